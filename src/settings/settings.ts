import { quoted } from "../error-message.ts";
import { environmentName } from "./names.ts";
import { type NumberSetting, SETTINGS, type Settings, type TextSetting } from "./table.ts";

export { SETTINGS, type Settings };

/** A setting as text, and its source for errors: a flag or an environment variable. */
export interface RawSetting {
  text: string;
  source: string;
}

/** Returns a setting as text, or `undefined` if it is not set. */
export type SettingLookup = (name: keyof Settings) => RawSetting | undefined;

/**
 * Reads every setting through `lookUp`; one that is not set has its default.
 *
 * @throws {RangeError} with the source, the value, and what is expected.
 */
export function readSettings(lookUp: SettingLookup): Settings {
  const entries = settingNames().map((name) => {
    const { text, source } = lookUp(name) ?? {};
    const isNumber = "min" in SETTINGS[name] && text !== undefined && /^\d+$/.test(text);
    const value = isNumber ? Number(text) : text;
    return [name, checkSetting(name, value, source)];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Looks settings up in `PLAYCOUNT_…` variables. An empty variable counts as not set. */
export function environmentLookup(environment: Readonly<Record<string, unknown>>): SettingLookup {
  return (name) => {
    const source = environmentName(name);
    const text = String(environment[source] ?? "");
    return text === "" ? undefined : { text, source };
  };
}

/**
 * Returns a setting's value, or its default for `undefined`.
 *
 * @throws {RangeError} if the value is invalid; the message begins with `source`.
 */
export function checkSetting<K extends keyof Settings>(
  name: K,
  value: unknown,
  source: string = name,
): Settings[K] {
  const setting: TextSetting | NumberSetting = SETTINGS[name];
  if (value === undefined) return setting.default as Settings[K];
  if (isValid(setting, value)) return value as Settings[K];
  const isQuoted = "min" in setting || !(setting.isSecret || setting.mayContainSecret);
  const found = typeof value === "string" ? quoted(value) : String(value);
  throw new RangeError(`${source} must be ${expectedValue(setting)}${isQuoted ? `, not ${found}` : ""}`);
}

function isValid(setting: TextSetting | NumberSetting, value: unknown): boolean {
  if ("pattern" in setting) return typeof value === "string" && setting.pattern.test(value);
  if (setting.word !== undefined && value === setting.word) return true;
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  if (setting.isPowerOfTwo && !Number.isInteger(Math.log2(value))) return false;
  return value >= setting.min && value <= setting.max;
}

function expectedValue(setting: TextSetting | NumberSetting): string {
  if ("pattern" in setting) return setting.expected;
  const kind = setting.isPowerOfTwo ? "a power of two" : "a whole number";
  const expected = `${kind} from ${setting.min} to ${setting.max}`;
  return setting.word === undefined ? expected : `${expected} or ${setting.word}`;
}

/** Returns the names of all settings, in the order of `--help`. */
export function settingNames(): (keyof Settings)[] {
  return Object.keys(SETTINGS) as (keyof Settings)[];
}
