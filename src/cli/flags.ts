import { parseArgs } from "node:util";
import { quotedAddress } from "../error-message.ts";
import { nearest } from "./nearest.ts";

/** The flags of a command. */
export interface Flags {
  /** Flags that take a value. */
  values: readonly string[];
  /** Flags without a value, each with an optional letter. */
  switches: Readonly<Record<string, { type: "boolean"; short?: string }>>;
  /** Arguments that show the command's help. */
  help: string;
}

/**
 * Yields each flag with its value, in order, repeated flags included. The value of a switch is empty.
 *
 * Does not use the strict mode of `parseArgs`: its errors span several lines and differ between runtimes.
 *
 * @throws {RangeError} for an unknown flag, a missing or unwanted value, and an argument that is not a flag.
 */
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
      throw new RangeError(`unexpected argument ${quotedAddress(token.value)}; see ${help}`);
    const { name, rawName, value } = token;
    const isSwitch = Object.hasOwn(switches, name);
    if (!isSwitch && !values.includes(name)) {
      const known = nearest(name, [...values, ...Object.keys(switches)]);
      const advice = known === undefined ? "" : `did you mean --${known}? `;
      throw new RangeError(`unknown option ${quotedAddress(rawName)}; ${advice}see ${help}`);
    }
    if (isSwitch && value !== undefined) throw new RangeError(`${rawName} takes no value`);
    if (!isSwitch && value === undefined) throw new RangeError(`${rawName} needs a value`);
    yield [name, value ?? ""];
  }
}
