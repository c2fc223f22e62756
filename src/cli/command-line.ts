import process from "node:process";
import { type Environment, environmentLookup, noteIgnored } from "../settings/environment.ts";
import { environmentName, flagName, isSecret, isSwitch } from "../settings/names.ts";
import { settingsHelp } from "../settings/reference.ts";
import { readSettings, SETTINGS, type Settings, settingNames } from "../settings/settings.ts";
import { VERSION } from "../version.ts";
import { FOLD_VARIABLES, type FoldSettings, readFoldArguments } from "./fold/arguments.ts";
import { type Flags, readFlags } from "./flags.ts";
import { SECRET_FILES } from "./secret-files.ts";

/** The command that a command line selects. */
export type Command =
  | { do: "serve"; settings: Settings }
  | { do: "check health"; settings: Settings }
  | { do: "help" }
  | { do: "fold"; settings: FoldSettings }
  | { do: "help with fold" }
  | { do: "version" };

const FLAGS: Flags = {
  ...Object.fromEntries(
    settingNames().map((name) => [flagName(name), { type: isSwitch(name) ? "boolean" : "string" }]),
  ),
  "health-check": { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
};

/**
 * Parses the command line. A flag overrides its environment variable.
 *
 * @throws {RangeError} with a message of one line.
 */
export function readCommandLine(args: readonly string[], environment: Environment): Command {
  const [first, ...others] = args;
  if (first === "fold") {
    const settings = readFoldArguments(others, environment);
    return settings === undefined ? { do: "help with fold" } : { do: "fold", settings };
  }
  const flags = new Map(readFlags(args, FLAGS, "see --help"));
  if (flags.has("help")) return { do: "help" };
  if (flags.has("version")) return { do: "version" };
  const settings = readSettingsOf(flags, environment);
  return { do: flags.has("health-check") ? "check health" : "serve", settings };
}

function readSettingsOf(flags: ReadonlyMap<string, string>, environment: Environment): Settings {
  const lookUpVariable = environmentLookup(environment, SECRET_FILES);
  const settings = readSettings((name) => {
    const value = flags.get(flagName(name));
    if (value === undefined) return lookUpVariable(name);
    const source = `--${flagName(name)}`;
    if (isSwitch(name)) return { text: String(!SETTINGS[name].default), source };
    if (isSecret(name)) return { text: SECRET_FILES.read(value, source), source };
    const setting = SETTINGS[name];
    if (value === "" && setting.default === "" && !("canBeEmpty" in setting))
      throw new RangeError(`${source} needs a value`);
    return { text: value, source };
  });
  if (settings.store !== "" && settings.data !== "")
    throw new RangeError("--store and --data exclude each other: counts are kept in Redis or in a directory");
  return settings;
}

/** Returns a line for each `PLAYCOUNT_…` variable that no command reads. */
export function noteIgnoredVariables(environment: Environment): string[] {
  return noteIgnored(environment, FOLD_VARIABLES);
}

/** Returns the output of `--version`: the version, and the runtime with its own. */
export function versionLine(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
  return `${VERSION} (${runtime}, ${process.platform} ${process.arch})`;
}

/** Returns the output of `--help`. */
export function help(): string {
  return `playcount: a play counter whose whole interface is HTTP

Usage: playcount [options]                    start a server
       playcount fold --from URLS --into URL  hand counts over to a database; see playcount fold --help

${settingsHelp()}

Instead of a server
      --health-check          check the server that these settings describe: exit status 0 if it is healthy,
                              otherwise 1
  -h, --help                  show this help
  -v, --version               show the version, and that of the runtime

Each option can also be set by an environment variable: --max-songs by ${environmentName("maxSongs")}. The variable
of a secret, such as ${environmentName("token")}, holds the secret itself, and the one with _FILE at its end names
a file. A flag overrides its variable.

  curl localhost:8000/song/1           read the plays of a song
  curl -X POST localhost:8000/song/1   add a play
  curl localhost:8000/                 list all songs
  curl -X DELETE localhost:8000/       clear all counts`;
}
