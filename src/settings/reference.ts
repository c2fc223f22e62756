import { flagName, isSecret, isSwitch } from "./names.ts";
import { settingNames } from "./settings.ts";
import type { Setting } from "./kinds.ts";
import { SETTINGS, type Settings } from "./table.ts";

const HELP_COLUMNS = 110;
const FLAG_COLUMNS = 30;

const MEBIBYTE = 2 ** 20;

/** The groups of `--help`, each from a setting to that before the next group, with an example. */
const GROUPS: Partial<Record<keyof Settings, readonly [title: string, example: string]>> = {
  host: ["Address and paths", "playcount --host 0.0.0.0 --port 80 --workers auto --resource video"],
  maxSongs: ["Limits of counts", "playcount --max-songs 50000000 --id-pattern '[0-9]{1,18}'"],
  data: ["Storage", "playcount --data /var/lib/playcount"],
  maxBodyBytes: ["Limits of requests", "playcount --max-batch-songs 100000 --body-seconds 60"],
  token: ["Access", "playcount --token-file /run/secrets/token --cors-origins https://example.com"],
  drainSeconds: ["Stop and log", "playcount --drain-seconds 5 --log json --access-log"],
};

/** Returns the lines of `--help` that list all settings, in groups. */
export function settingsHelp(): string {
  return settingNames()
    .flatMap((name) => {
      const [title, example] = GROUPS[name] ?? [];
      const heading = title === undefined ? [] : ["", `${title}, as in: ${example}`];
      return [...heading, helpEntry(name)];
    })
    .join("\n")
    .trimStart();
}

function helpEntry(name: keyof Settings): string {
  const setting = SETTINGS[name];
  const value = "min" in setting ? " N" : "placeholder" in setting ? ` ${setting.placeholder}` : "";
  const help = `${isSecret(name) ? "file with the " : setting.default === true ? "no " : ""}${setting.help}`;
  const flag = `  --${flagName(name)}${value}`.padEnd(FLAG_COLUMNS);
  const preset = isSwitch(name) ? "" : defaultText(name);
  const lines = wrap(preset === "" ? help : `${help} (default: ${preset})`, HELP_COLUMNS - FLAG_COLUMNS);
  return flag + lines.join(`\n${" ".repeat(FLAG_COLUMNS)}`);
}

function wrap(text: string, columns: number): string[] {
  return text.match(new RegExp(`\\S.{0,${columns - 2}}\\S(?= |$)`, "g")) ?? [];
}

/** Returns the default of a setting, for people; empty if it has none. */
export function defaultText(name: keyof Settings): string {
  const setting: Setting = SETTINGS[name];
  if ("pattern" in setting) return setting.default || (setting.emptyMeans ?? "");
  const mebibytes = name.endsWith("Bytes") ? Number(setting.default) / MEBIBYTE : 0;
  return mebibytes >= 1 ? `${setting.default} = ${mebibytes} MiB` : String(setting.default);
}
