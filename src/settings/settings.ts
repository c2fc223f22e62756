import { quoted, quotedAddress } from "../error-message.ts";
import { environmentName, flagName } from "./names.ts";
import type { Setting } from "./kinds.ts";
import { SETTINGS, type Settings } from "./table.ts";

export { SETTINGS, type Settings };

/** Longest secret, in characters. */
const MAX_SECRET_LENGTH = 4096;

/** Settings as options: one that is `undefined` has its default. */
export type GivenSettings<K extends keyof Settings = keyof Settings> = {
  [Name in K]?: Settings[Name] | undefined;
};

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
 * @throws {RangeError} with the source, the value, and what is expected. Also if a setting would have no
 * effect, because the one that it requires is not set.
 */
export function readSettings(lookUp: SettingLookup): Settings {
  const sources = new Map<keyof Settings, string>();
  const entries = settingNames().map((name) => {
    const { text, source } = lookUp(name) ?? {};
    if (source !== undefined) sources.set(name, source);
    return [name, checkSetting(name, valueOf(SETTINGS[name], text), source)];
  });
  const settings = Object.fromEntries(entries) as Settings;
  for (const [name, source] of sources) {
    const { requires, default: preset }: Pick<Setting, "requires" | "default"> = SETTINGS[name];
    if (requires !== undefined && settings[name] !== preset && settings[requires] === "")
      throw new RangeError(`${source} requires --${flagName(requires)} or ${environmentName(requires)}`);
  }
  return settings;
}

/** Returns the number or the switch that a text is, or the text itself. */
function valueOf(setting: Setting, text: string | undefined): unknown {
  if (text === undefined || "pattern" in setting) return text;
  if ("min" in setting) return /^\d+$/.test(text) ? Number(text) : text;
  return text === "true" || (text === "false" ? false : text);
}

/**
 * Returns the given settings, and the defaults of all others.
 *
 * @throws {RangeError} if a value is invalid.
 */
export function completeSettings(given: GivenSettings): Settings {
  return Object.fromEntries(
    settingNames().map((name) => [name, checkSetting(name, given[name])]),
  ) as Settings;
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
  const setting: Setting = SETTINGS[name];
  if (value === undefined) return setting.default as Settings[K];
  if (!isValid(setting, value))
    throw new RangeError(`${source} must be ${expectedValue(setting)}${foundValue(setting, value)}`);
  const canonical = "pattern" in setting ? setting.canonical : undefined;
  return (canonical?.(String(value)) ?? value) as Settings[K];
}

/** Completes an error with the invalid value, or with what is wrong in a secret. */
function foundValue(setting: Setting, value: unknown): string {
  if (typeof value !== "string") return `, not ${String(value)}`;
  if (!("pattern" in setting) || !(setting.isSecret || setting.mayContainSecret))
    return `, not ${/:\/\/|@/.test(value) ? quotedAddress(value) : quoted(value)}`;
  if (!setting.isSecret) return "";
  if (value.length > MAX_SECRET_LENGTH) return ` with at most ${MAX_SECRET_LENGTH} characters`;
  const { pattern } = setting;
  const at = Array.from(value).findIndex((_, index, all) => !pattern.test(all.slice(0, index + 1).join("")));
  return `; character ${at + 1} is not allowed`;
}

function isValid(setting: Setting, value: unknown): boolean {
  if ("pattern" in setting) {
    const isTooLong = setting.isSecret && String(value).length > MAX_SECRET_LENGTH;
    return typeof value === "string" && !isTooLong && setting.pattern.test(value);
  }
  if (!("min" in setting)) return typeof value === "boolean";
  if (value === setting.word) return true;
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  if (setting.isPowerOfTwo && !Number.isInteger(Math.log2(value))) return false;
  return value >= setting.min && value <= setting.max;
}

function expectedValue(setting: Setting): string {
  if ("pattern" in setting) return setting.expected;
  if (!("min" in setting)) return "true or false";
  const kind = setting.isPowerOfTwo ? "a power of two" : "a whole number";
  const expected = `${kind} from ${setting.min} to ${setting.max}`;
  return setting.word === undefined ? expected : `${expected} or ${setting.word}`;
}

/** Returns the names of all settings, in the order of `--help`. */
export function settingNames(): (keyof Settings)[] {
  return Object.keys(SETTINGS) as (keyof Settings)[];
}
