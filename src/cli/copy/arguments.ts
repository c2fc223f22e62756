import { Placement } from "../../client/placement.ts";
import { checkSetting } from "../../settings/settings.ts";
import { type Flags, readFlags, readSecretFile } from "../flags.ts";

/** What `playcount copy` is told. */
export interface CopySettings {
  /** URLs of the servers that the counts are moved from. */
  from: readonly string[];
  /** URLs of those that they are moved to. */
  to: readonly string[];
  /** The number to seal them under; `undefined` for one that follows from the time. */
  fold: number | undefined;
  /** Whether a server that has lost what was moved to it gets it again. */
  again: boolean;
  /** Token of the servers that the counts are moved from; empty if they need none. */
  token: string;
  /** Token of those that they are moved to. */
  toToken: string;
}

const FLAGS: Flags = {
  values: ["from", "to", "fold", "token-file", "to-token-file"],
  switches: { again: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  help: "copy --help",
};

/** The variables that tokens come from where no file is named. */
const TOKEN = "PLAYCOUNT_TOKEN";
const TO_TOKEN = "PLAYCOUNT_TO_TOKEN";

/**
 * Reads what stands behind `playcount copy`; `undefined` if it asks for help.
 *
 * @throws {RangeError} with one line that says what is wrong.
 */
export function readCopyArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): CopySettings | undefined {
  const flags = new Map<string, string>();
  for (const [name, value] of readFlags(args, FLAGS)) {
    if (name === "help") return undefined;
    // Of two lists the last one would win, and a server be left out without a word.
    if (flags.has(name)) throw new RangeError(`--${name} is there twice; servers have commas between them`);
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
    const wanted = "http or https URLs without user, query and fragment, with commas between";
    const quoted = written.includes("@") ? "" : `, not ${JSON.stringify(written)}`; // it may have a password
    throw new RangeError(`--${name} must be ${wanted}${quoted}`);
  }
}

function readFold(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  const fold = /^\d{1,16}$/.test(written) ? Number(written) : Number.NaN;
  if (Number.isSafeInteger(fold) && fold > 0) return fold;
  const wanted = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;
  throw new RangeError(`--fold must be ${wanted}, not ${JSON.stringify(written)}`);
}

function readToken(
  file: string | undefined,
  flag: string,
  environment: Readonly<Record<string, string | undefined>>,
  variable: string,
): string {
  return file === undefined
    ? checkSetting("token", environment[variable] ?? "", variable)
    : checkSetting("token", readSecretFile(file, flag), flag);
}

/** What `copy --help` shows. */
export function copyHelp(): string {
  return `playcount copy: moves the counts of some servers to others, while plays go on

Usage: playcount copy --from URL[,URL...] --to URL[,URL...] [options]

  --from URLS             servers that have the counts; they lose what is moved
  --to URLS               servers that shall have them, each song one of these
  --fold N                number to seal the counts under (the milliseconds since 1970);
                          where a batch job hands folds over: its next one
  --again                 move once more what a server of --to had and has lost since, as it keeps
                          its counts in memory and began anew
  --token-file PATH       has the token that all these servers need
  --to-token-file PATH    has the one that those of --to need, if it is another
  -h, --help              show this

Tokens can be set in the environment too, as ${TOKEN} and ${TO_TOKEN}.

Whatever fails or is stopped, run the same command again: nothing is lost, and nothing counted
twice. Stop batch jobs meanwhile. When all clients have the new list, run it once more for what
they have played on the old servers.

  playcount copy --from http://a:8000,http://b:8000 --to http://a:8000,http://b:8000,http://c:8000`;
}
