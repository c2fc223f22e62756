import { Placement } from "../../client/placement.ts";
import { quoted, quotedAddress } from "../../error-message.ts";
import { FOLD_DEFAULTS, MAX_PART_SONGS, UNKNOWN_POLICIES, type UnknownPolicy } from "../../fold/defaults.ts";
import type { TableNames } from "../../fold/sql/database.ts";
import { dialectOf } from "../../fold/sql/dialects.ts";
import { hash64 } from "../../hash.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { type Environment, readSecret } from "../../settings/environment.ts";
import { checkSetting } from "../../settings/settings.ts";
import { readFlags } from "../flags.ts";
import { SECRET_FILES } from "../secret-files.ts";
import { FOLD_FLAGS, USES } from "./flags.ts";

/** Destination of folds. */
export type Destination = { database: string } | { servers: readonly string[] } | { command: string };

/** Settings of `playcount fold`. */
export interface FoldSettings {
  from: readonly string[];
  into: Destination;
  /** Token of the servers `from`; empty if they require none. */
  token: string;
  /** Token of the servers that counts are moved to. */
  toToken: string;
  names: TableNames;
  unknown: UnknownPolicy;
  partSongs: number;
  /** Seconds from the start of a run to that of the next one; `undefined` for one run. */
  every: number | undefined;
  adopt: number | undefined;
  skip: boolean;
  password: string | undefined;
  ca: string | undefined;
  lockSeconds: number;
  timeoutSeconds: number;
  mode: "run" | "dry run" | "print SQL" | "print schema";
}

const [TOKEN, TO_TOKEN] = ["PLAYCOUNT_TOKEN", "PLAYCOUNT_TO_TOKEN"];
const [INTO, INTO_PASSWORD] = ["PLAYCOUNT_INTO", "PLAYCOUNT_INTO_PASSWORD"];

/** Environment variables of this command alone. */
export const FOLD_VARIABLES: readonly string[] = [TO_TOKEN, INTO, INTO_PASSWORD].flatMap((name) => [
  name,
  `${name}_FILE`,
]);

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Longest time of a timer, in seconds. */
const MAX_SECONDS = 2_000_000;

/**
 * Parses the arguments of `playcount fold`. Returns `undefined` if they ask for help.
 *
 * @throws {RangeError} with one line that says what is wrong.
 */
export function readFoldArguments(
  args: readonly string[],
  environment: Environment,
): FoldSettings | undefined {
  const flags = new Map<string, string>();
  for (const [name, value] of readFlags(args, FOLD_FLAGS, "see fold --help")) {
    if (name === "help") return undefined;
    if (flags.has(name)) throw new RangeError(`--${name} is repeated; separate servers by commas`);
    flags.set(name, value);
  }
  return new FoldArguments(flags, environment).read();
}

class FoldArguments {
  readonly #flags: ReadonlyMap<string, string>;
  readonly #environment: Environment;

  constructor(flags: ReadonlyMap<string, string>, environment: Environment) {
    this.#flags = flags;
    this.#environment = environment;
  }

  read(): FoldSettings {
    const mode = this.#mode();
    const from = mode.startsWith("print") ? [] : this.#servers("from", this.#flags.get("from") ?? "");
    const into = this.#into();
    this.#refuseUseless(into);
    if ("servers" in into && from.toSorted().join() === into.servers.toSorted().join())
      throw new RangeError("--from and --into list the same servers, so there is nothing to move");
    this.#exclude("skip", "every"); // it would drop the folds of another job for ever
    const token = this.#secret("token-file", TOKEN);
    const [table, written] = [this.#word("table"), this.#word("unknown")];
    const unknown = UNKNOWN_POLICIES.find((policy) => policy === written);
    if (unknown === undefined)
      throw new RangeError(`--unknown must be keep, insert or drop, not ${quoted(written)}`);
    return {
      ...{ mode, from, into, unknown },
      token: checkSetting("token", token, "the token"),
      toToken: checkSetting("token", this.#secret("to-token-file", TO_TOKEN) || token),
      names: {
        ...{ table, id: this.#word("id"), plays: this.#word("plays") },
        name: this.#word("name", "command" in into ? hash64(into.command).join("-") : table),
        history: this.#flags.has("history") ? this.#word("history") : undefined,
      },
      partSongs: this.#number("rows", MAX_PART_SONGS) ?? FOLD_DEFAULTS.partSongs,
      every: this.#seconds("every"),
      adopt: this.#number("adopt", Number.MAX_SAFE_INTEGER),
      skip: this.#flags.has("skip"),
      password: this.#secret("password-file", INTO_PASSWORD) || undefined,
      ca: this.#flags.get("ca"),
      lockSeconds: this.#seconds("lock-timeout") ?? FOLD_DEFAULTS.lockSeconds,
      timeoutSeconds: this.#seconds("timeout") ?? FOLD_DEFAULTS.timeoutSeconds,
    };
  }

  /** @throws {RangeError} if a flag is given with one of the others. */
  #exclude(flag: string, ...others: readonly string[]): void {
    const other = others.find((name) => this.#flags.has(name));
    if (this.#flags.has(flag) && other !== undefined)
      throw new RangeError(`--${flag} and --${other} exclude each other`);
  }

  /** @throws {RangeError} for a flag that the destination has no use for. */
  #refuseUseless(into: Destination): void {
    for (const { flags, kinds, what } of USES) {
      const flag = flags.find((name) => this.#flags.has(name));
      if (flag !== undefined && !kinds.some((kind) => kind in into))
        throw new RangeError(`--${flag} is for ${what}`);
    }
  }

  #mode(): FoldSettings["mode"] {
    this.#exclude("print-sql", "print-schema", "dry-run");
    this.#exclude("print-schema", "dry-run");
    if (this.#flags.has("print-sql")) return "print SQL";
    if (this.#flags.has("print-schema")) return "print schema";
    return this.#flags.has("dry-run") ? "dry run" : "run";
  }

  #into(): Destination {
    const [command, given] = [this.#flags.get("exec"), this.#flags.get("into")];
    this.#exclude("into-file", "into", "exec");
    if (command?.trim() === "") throw new RangeError("--exec is empty");
    // A flag wins over a variable.
    const url = given ?? (command === undefined ? this.#secret("into-file", INTO) : "");
    if ((command === undefined) === (url === ""))
      throw new RangeError("either --into URL or --exec COMMAND is needed: where to store the plays");
    if (command !== undefined) return { command };
    if (/^https?:/i.test(url)) return { servers: this.#servers("into", url) };
    const wanted = "postgres://, mysql://, sqlite: or http://";
    if (dialectOf(url) === undefined)
      throw new RangeError(`--into must begin with ${wanted}, not ${quotedAddress(url)}`);
    // A password that is not encoded would stand in the path, and part of it in errors as the host.
    if (dialectOf(url) !== "sqlite" && !isDatabaseUrl(url))
      throw new RangeError(
        "--into is no URL; write @, :, /, ?, # and % in a password as %40, %3A, %2F, %3F, %23 and %25",
      );
    return { database: url };
  }

  #servers(flag: string, list: string): readonly string[] {
    if (list === "")
      throw new RangeError(`--${flag} is missing: the URLs of the servers, separated by commas`);
    try {
      return new Placement(list.split(",")).urls;
    } catch {
      const found = /[@?#]/.test(list) ? "" : `, not ${quoted(list)}`; // it may have a password or a token
      const wanted = "different http or https URLs without user, query and fragment, separated by commas";
      throw new RangeError(`--${flag} must be ${wanted}${found}`);
    }
  }

  #word(flag: "table" | "id" | "plays" | "name" | "unknown" | "history", preset?: string): string {
    const value = this.#flags.get(flag) ?? preset ?? FOLD_DEFAULTS[flag as "table"];
    if (value === "") throw new RangeError(`--${flag} is empty`);
    return value;
  }

  #number(flag: string, max: number): number | undefined {
    const written = this.#flags.get(flag);
    if (written === undefined) return undefined;
    const number = parseWholeNumber(written) ?? 0;
    if (number >= 1 && number <= max) return number;
    throw new RangeError(`--${flag} must be a whole number from 1 to ${max}, not ${quoted(written)}`);
  }

  #seconds(flag: string): number | undefined {
    const written = this.#flags.get(flag);
    if (written === undefined) return undefined;
    const [, digits, unit = ""] = /^(\d{1,9})([smhd])$/.exec(written) ?? [];
    const seconds = Number(digits) * (SECONDS[unit] ?? NaN);
    if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
    const wanted = "a time of at least a second, as 60s or 5m";
    throw new RangeError(`--${flag} must be ${wanted}, not ${quoted(written)}`);
  }

  #secret(flag: string, variable: string): string {
    const file = this.#flags.get(flag);
    if (file !== undefined) return SECRET_FILES.read(file, `--${flag}`);
    return readSecret(variable, this.#environment, SECRET_FILES)?.text ?? "";
  }
}

function isDatabaseUrl(url: string): boolean {
  try {
    const { pathname, hash } = new URL(url);
    return decodeURIComponent(url) !== "" && !pathname.includes("@") && hash === "";
  } catch {
    return false;
  }
}
