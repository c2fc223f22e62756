import { type NumberSetting, SETTINGS, type Settings, type TextSetting } from "./table.ts";

export { SETTINGS, type Settings };

/** A setting's value as somebody wrote it, and where: a flag, say. */
export interface Written {
  value: string;
  where: string;
}

/**
 * Reads every setting: as it is written where `find` says, or else its default.
 *
 * @throws {RangeError} that says where, quotes the value, and states what is wanted.
 */
export function readSettings(find: (name: keyof Settings) => Written | undefined): Settings {
  const entries = settingNames().map((name) => {
    const { value, where } = find(name) ?? {};
    const isNumber = "min" in SETTINGS[name] && value !== undefined && /^\d+$/.test(value);
    return [name, checkSetting(name, isNumber ? Number(value) : value, where)];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Reads `PLAYCOUNT_…` variables out of `environment`; an empty one counts as not set. */
export function fromEnvironment(
  environment: Readonly<Record<string, unknown>>,
): (name: keyof Settings) => Written | undefined {
  return (name) => {
    const where = environmentName(name);
    const value = environment[where];
    return value === undefined || value === "" ? undefined : { value: String(value), where };
  };
}

/**
 * Gives `value` back if it is one that the setting may have, and the setting's default for `undefined`.
 *
 * @throws {RangeError} if it is not; it begins with `where`.
 */
export function checkSetting<K extends keyof Settings>(
  name: K,
  value: unknown,
  where: string = name,
): Settings[K] {
  const setting: TextSetting | NumberSetting = SETTINGS[name];
  if (value === undefined) return setting.default as Settings[K];
  if (!isUsable(setting, value)) {
    if ("isSecret" in setting || "isUnquoted" in setting)
      throw new RangeError(`${where} must be ${wantedOf(setting)}`);
    throw new RangeError(
      `${where} must be ${wantedOf(setting)}, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    );
  }
  return value as Settings[K];
}

function wantedOf(setting: TextSetting | NumberSetting): string {
  if ("pattern" in setting) return setting.wanted;
  const kind = setting.isPowerOfTwo ? "a power of two" : "a whole number";
  const wanted = `${kind} from ${setting.min} to ${setting.max}`;
  return setting.word === undefined ? wanted : `${wanted} or ${setting.word}`;
}

function isUsable(setting: TextSetting | NumberSetting, value: unknown): boolean {
  if ("pattern" in setting) return typeof value === "string" && setting.pattern.test(value);
  if (setting.word !== undefined && value === setting.word) return true;
  if (setting.isPowerOfTwo && !Number.isInteger(Math.log2(value as number))) return false;
  return Number.isInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max;
}

/** The names of all settings, in the order in which they are shown. */
export function settingNames(): (keyof Settings)[] {
  return Object.keys(SETTINGS) as (keyof Settings)[];
}

/** The command line's name of a setting, or of a file that has it: `--max-id-bytes`, without the dashes in front. */
export function flagName(name: keyof Settings): string {
  return isSecret(name) ? `${kebab(name)}-file` : kebab(name);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Whether a setting's value must never be shown; its flag names a file that holds it. */
export function isSecret(name: keyof Settings): boolean {
  return "isSecret" in SETTINGS[name];
}

/** The environment's name of a setting: `PLAYCOUNT_MAX_ID_BYTES`. */
export function environmentName(name: keyof Settings): string {
  return `PLAYCOUNT_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}
