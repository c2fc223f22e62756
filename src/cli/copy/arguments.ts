import { Placement } from "../../client/placement.ts";
import { quotedAddress } from "../../error-message.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { type Environment, readSecret } from "../../settings/environment.ts";
import { checkSetting } from "../../settings/settings.ts";
import { type Flags, readFlags } from "../flags.ts";
import { SECRET_FILES } from "../secret-files.ts";

/** Settings of `playcount copy`. */
export interface CopySettings {
  /** URLs of the servers to move counts from. */
  from: readonly string[];
  /** URLs of the servers to move counts to. */
  to: readonly string[];
  /** Number of the fold to seal; `undefined` for the time in milliseconds. */
  fold: number | undefined;
  /** True to move counts again to a server that has lost them. */
  again: boolean;
  /** Token of the servers `from`; empty if they require none. */
  token: string;
  /** Token of the servers `to`. */
  toToken: string;
}

const FLAGS: Flags = {
  values: ["from", "to", "fold", "token-file", "to-token-file"],
  switches: { again: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  help: "copy --help",
};

/** Environment variables of the tokens, used if no file is named. */
const TOKEN = "PLAYCOUNT_TOKEN";
export const TO_TOKEN = "PLAYCOUNT_TO_TOKEN";

/**
 * Parses the arguments of `playcount copy`. Returns `undefined` if they ask for help.
 *
 * @throws {RangeError} with one line that says what is wrong.
 */
export function readCopyArguments(
  args: readonly string[],
  environment: Environment,
): CopySettings | undefined {
  const flags = new Map<string, string>();
  for (const [name, value] of readFlags(args, FLAGS)) {
    if (name === "help") return undefined;
    // Otherwise the last of two lists would win, and servers would be left out silently.
    if (flags.has(name)) throw new RangeError(`--${name} is repeated; separate servers by commas`);
    flags.set(name, value);
  }
  const from = readServers(flags, "from");
  const to = readServers(flags, "to");
  if (from.toSorted().join() === to.toSorted().join())
    throw new RangeError(`--from and --to list the same servers, so there is nothing to move`);
  const token = readToken(flags.get("token-file"), "--token-file", environment, TOKEN);
  const toToken = readToken(flags.get("to-token-file"), "--to-token-file", environment, TO_TOKEN);
  return {
    ...{ from, to, fold: readFold(flags.get("fold")), again: flags.has("again") },
    ...{ token, toToken: toToken === "" ? token : toToken },
  };
}

function readServers(flags: ReadonlyMap<string, string>, name: "from" | "to"): string[] {
  const list = flags.get(name);
  if (list === undefined) throw new RangeError(`--${name} is missing: copy needs --from URL and --to URL`);
  const servers: string[] = [];
  for (const written of list.split(",")) {
    const server = readServer(written, name);
    if (servers.includes(server)) throw new RangeError(`--${name} lists ${server} twice`);
    servers.push(server);
  }
  return servers;
}

function readServer(written: string, name: string): string {
  try {
    return new Placement(written).urls[0] as string;
  } catch {
    const wanted = "http or https URLs without user, query and fragment, separated by commas";
    throw new RangeError(`--${name} must be ${wanted}, not ${quotedAddress(written)}`);
  }
}

function readFold(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  const fold = parseWholeNumber(written);
  if (fold !== undefined && fold > 0) return fold;
  const wanted = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;
  throw new RangeError(`--fold must be ${wanted}, not ${quotedAddress(written)}`);
}

function readToken(
  file: string | undefined,
  flag: string,
  environment: Environment,
  variable: string,
): string {
  const { text, source } =
    file === undefined
      ? (readSecret(variable, environment, SECRET_FILES) ?? { text: "", source: variable })
      : { text: SECRET_FILES.read(file, flag), source: flag };
  return checkSetting("token", text, source);
}

/** Returns the output of `copy --help`. */
export function copyHelp(): string {
  return `playcount copy: moves counts to other servers while plays continue

Usage: playcount copy --from URL[,URL...] --to URL[,URL...] [options]

  --from URLS             servers to move counts from
  --to URLS               servers to move counts to; each song is moved to one of them
  --fold N                number of the fold to seal (default: the milliseconds since 1970);
                          if a job hands folds over, its next number
  --again                 move counts again to a server of --to that has lost them by a restart
  --token-file PATH       file with the token of all servers
  --to-token-file PATH    file with the token of the servers of --to, if it differs
  -h, --help              show this help

The environment variables ${TOKEN} and ${TO_TOKEN} set the tokens too, and name
files with _FILE at their ends.

After a failure or an interruption, run the same command again: no play is lost or counted twice.
Stop jobs that hand folds over in the meantime. When all clients have the new list of servers, run
the command once more, for the plays that they have sent to the old servers.

  playcount copy --from http://a:8000,http://b:8000 --to http://a:8000,http://b:8000,http://c:8000`;
}
