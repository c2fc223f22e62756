import {
  environmentName,
  flagName,
  fromEnvironment,
  isSecret,
  readSettings,
  SETTINGS,
  type Settings,
  settingNames,
} from "../settings/settings.ts";
import { type CopySettings, readCopyArguments } from "./copy/arguments.ts";
import { type Flags, readFlags, readSecret } from "./flags.ts";

/** What a command line asks for. */
export type Command =
  | { do: "serve"; settings: Settings }
  | { do: "check health"; settings: Settings }
  | { do: "copy"; settings: CopySettings; args: readonly string[] }
  | { do: "help" }
  | { do: "help with copy" }
  | { do: "version" };

const FLAGS: Flags = {
  values: settingNames().map(flagName),
  switches: {
    "health-check": { type: "boolean" },
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
  },
  help: "--help",
};

/**
 * Reads the command line; a flag wins over the environment.
 *
 * @throws {RangeError} with one line that says what is wrong.
 */
export function readCommandLine(
  args: string[],
  environment: Readonly<Record<string, string | undefined>>,
): Command {
  const [first, ...others] = args;
  if (first === "copy") return readCopy(others, environment);
  const flags = new Map(readFlags(args, FLAGS));
  if (flags.has("help")) return { do: "help" };
  if (flags.has("version")) return { do: "version" };
  const find = fromEnvironment(environment);
  const settings = readSettings((name) => {
    const value = flags.get(flagName(name));
    if (value === undefined) return find(name);
    const where = `--${flagName(name)}`;
    return { value: isSecret(name) ? readSecret(value, where) : value, where };
  });
  if (settings.playToken !== "" && settings.token === "") {
    throw new RangeError(`${environmentName("playToken")} needs ${environmentName("token")} beside it`);
  }
  if (settings.store !== "" && settings.data !== "") {
    throw new RangeError("the counts are either in Redis (--store) or in a folder (--data)");
  }
  return { do: flags.has("health-check") ? "check health" : "serve", settings };
}

function readCopy(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Command {
  const settings = readCopyArguments(args, environment);
  return settings === undefined ? { do: "help with copy" } : { do: "copy", settings, args };
}

/** What `--help` shows. */
export function help(): string {
  const rows = settingNames().map((name) => {
    const { default: preset, help } = SETTINGS[name];
    const value = isSecret(name) ? "PATH" : typeof preset === "number" ? "N" : "TEXT";
    const flag = `--${flagName(name)} ${value}`;
    return `  ${flag.padEnd(30)}${help}${preset === "" ? "" : ` (${preset})`}`;
  });
  return `playcount: a play counter whose whole interface is HTTP

Usage: playcount [options]
       playcount copy --from URL --to URL   move the counts to other servers; see copy --help

${rows.join("\n")}
      --health-check            ask the server with these settings; exit 0 if it is healthy, else 1
  -h, --help                    show this
  -v, --version                 show the version

Each option can be set in the environment too, as ${environmentName("port")} or ${environmentName("maxIdBytes")}.

  curl localhost:8000/song/1           a song's plays
  curl -X POST localhost:8000/song/1   one more
  curl localhost:8000/                 all songs
  curl -X DELETE localhost:8000/       clear`;
}
