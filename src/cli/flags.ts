import { parseArgs } from "node:util";
import { quotedAddress } from "../error-message.ts";
import { nearest } from "../settings/nearest.ts";

/** The flags of a command: those with a value are of the type `string`. */
export type Flags = Readonly<Record<string, { type: "string" | "boolean"; short?: string }>>;

/**
 * Yields each flag with its value, in order, repeated flags included. The value of a switch is empty. `help`
 * is the advice that ends an error.
 *
 * Does not use the strict mode of `parseArgs`: its errors span several lines and differ between runtimes.
 *
 * @throws {RangeError} for an unknown flag, a missing or unwanted value, and an argument that is not a flag.
 */
export function* readFlags(
  args: readonly string[],
  flags: Flags,
  help: string,
): Generator<[name: string, value: string]> {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options: flags });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional")
      throw new RangeError(`unexpected argument ${quotedAddress(token.value)}; ${help}`);
    const { name, rawName, value } = token;
    const type = Object.hasOwn(flags, name) ? flags[name]?.type : undefined;
    if (type === undefined) {
      const known = nearest(name, Object.keys(flags));
      const advice = known === undefined ? "" : `did you mean --${known}? `;
      throw new RangeError(`unknown option ${quotedAddress(rawName)}; ${advice}${help}`);
    }
    if (type === "boolean" && value !== undefined) throw new RangeError(`${rawName} takes no value`);
    if (type === "string" && value === undefined) throw new RangeError(`${rawName} needs a value`);
    yield [name, value ?? ""];
  }
}
