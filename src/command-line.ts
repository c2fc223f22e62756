import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  environmentName,
  flagName,
  fromEnvironment,
  isSecret,
  readSettings,
  SETTINGS,
  type Settings,
  settingNames,
} from "./config.ts";

/** What a command line asks for. */
export type Command =
  | { do: "serve"; settings: Settings }
  | { do: "check health"; settings: Settings }
  | { do: "help" }
  | { do: "version" };

/** The flags that take no value. */
const SWITCHES = {
  "health-check": { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
} as const;

/**
 * Reads the command line; a flag wins over the environment.
 *
 * @throws {RangeError} with one line that says what is wrong.
 */
export function readCommandLine(
  args: string[],
  environment: Readonly<Record<string, string | undefined>>,
): Command {
  const flags = readFlags(args);
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
  return { do: flags.has("health-check") ? "check health" : "serve", settings };
}

/** The first line of a file. */
function readSecret(path: string, where: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
  } catch (error) {
    const { code } = error as { code?: string };
    throw new RangeError(`${where}: cannot read ${JSON.stringify(path)}: ${code ?? "it is no file"}`);
  }
}

/** Each flag with its value. Not `parseArgs`' strict mode: its errors differ by runtime and run over several lines. */
function readFlags(args: string[]): Map<string, string> {
  const names = settingNames().map(flagName);
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: "string" }])),
      ...SWITCHES,
    },
  });
  const flags = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional")
      throw new RangeError(`unexpected argument ${JSON.stringify(token.value)}`);
    const { name, rawName, value } = token;
    const isSwitch = Object.hasOwn(SWITCHES, name);
    if (!isSwitch && !names.includes(name))
      throw new RangeError(`unknown option ${JSON.stringify(rawName)}; see --help`);
    if (isSwitch && value !== undefined) throw new RangeError(`${rawName} takes no value`);
    if (!isSwitch && value === undefined) throw new RangeError(`${rawName} needs a value`);
    flags.set(name, value ?? "");
  }
  return flags;
}

/** What `--help` shows. */
export function help(): string {
  const rows = settingNames().map((name) => {
    const { default: preset, help } = SETTINGS[name];
    const value = isSecret(name) ? "PATH" : typeof preset === "number" ? "N" : "TEXT";
    const flag = `--${flagName(name)} ${value}`;
    return `  ${flag.padEnd(24)}${help}${preset === "" ? "" : ` (${preset})`}`;
  });
  return `playcount: a play counter whose whole interface is HTTP

Usage: playcount [options]

${rows.join("\n")}
      --health-check      ask the server with these settings; exit 0 if it is healthy, else 1
  -h, --help              show this
  -v, --version           show the version

Each option can be set in the environment too, as ${environmentName("port")} or ${environmentName("maxIdBytes")}.

  curl localhost:8000/song/1           a song's plays
  curl -X POST localhost:8000/song/1   one more
  curl localhost:8000/                 all songs
  curl -X DELETE localhost:8000/       clear`;
}
