import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

/** Which flags a command has. */
export interface Flags {
  /** Those that take a value. */
  values: readonly string[];
  /** Those that take none, and perhaps a letter for each. */
  switches: Readonly<Record<string, { type: "boolean"; short?: string }>>;
  /** How to have them shown. */
  help: string;
}

/** Each flag with its value, as often as it is there. Not `parseArgs`' strict mode: its errors differ by runtime and run over several lines. */
export function* readFlags(
  args: readonly string[],
  { values, switches, help }: Flags,
): Generator<[name: string, value: string]> {
  const options = {
    ...Object.fromEntries(values.map((name) => [name, { type: "string" as const }])),
    ...switches,
  };
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional")
      throw new RangeError(`unexpected argument ${JSON.stringify(token.value)}`);
    const { name, rawName, value } = token;
    const isSwitch = Object.hasOwn(switches, name);
    if (!isSwitch && !values.includes(name))
      throw new RangeError(`unknown option ${JSON.stringify(rawName)}; see ${help}`);
    if (isSwitch && value !== undefined) throw new RangeError(`${rawName} takes no value`);
    if (!isSwitch && value === undefined) throw new RangeError(`${rawName} needs a value`);
    yield [name, value ?? ""];
  }
}

/**
 * The first line of a file.
 *
 * @throws {RangeError} that begins with `where`, if it cannot be read.
 */
export function readSecret(path: string, where: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
  } catch (error) {
    const { code } = error as { code?: string };
    throw new RangeError(`${where}: cannot read ${JSON.stringify(path)}: ${code ?? "it is no file"}`);
  }
}
