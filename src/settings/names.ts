import { SETTINGS, type Settings } from "./table.ts";

/**
 * Returns a setting's flag without its dashes: `max-id-bytes`; `token-file` for a secret, which is read from
 * a file; `no-page` for a switch that is on by default.
 */
export function flagName(name: keyof Settings): string {
  if (SETTINGS[name].default === true) return `no-${kebab(name)}`;
  return isSecret(name) ? `${kebab(name)}-file` : kebab(name);
}

/** Returns a setting's environment variable: `PLAYCOUNT_MAX_ID_BYTES`. */
export function environmentName(name: keyof Settings): string {
  return `PLAYCOUNT_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}

/** Returns all environment variables of a setting. That with `_FILE` names a file that holds a secret. */
export function variablesOf(name: keyof Settings): string[] {
  const variable = environmentName(name);
  return isSecret(name) ? [variable, `${variable}_FILE`] : [variable];
}

/** Returns true if a setting's value must never be shown; its flag names a file that holds the value. */
export function isSecret(name: keyof Settings): boolean {
  return "isSecret" in SETTINGS[name];
}

/** Returns true if a setting is on or off. */
export function isSwitch(name: keyof Settings): boolean {
  return typeof SETTINGS[name].default === "boolean";
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
