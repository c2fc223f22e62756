import { environmentName, isSecret, variablesOf } from "./names.ts";
import { nearest } from "./nearest.ts";
import { type RawSetting, type SettingLookup, settingNames } from "./settings.ts";

const PREFIX = "PLAYCOUNT_";
const LINKS_ADVICE = "enableServiceLinks: false leaves it out of the pod";

/** The variables of an environment, or the bindings of workerd. */
export type Environment = Readonly<Record<string, unknown>>;

/** Access to the files that `…_FILE` variables name. */
export interface SecretFiles {
  /** Returns the secret in a file. `source` is the flag or variable that names the file, for errors. */
  read: (path: string, source: string) => string;
  exists: (path: string) => boolean;
}

/** Looks settings up in `PLAYCOUNT_…` variables. An empty variable counts as not set. */
export function environmentLookup(environment: Environment, files?: SecretFiles): SettingLookup {
  return (name) => {
    const source = environmentName(name);
    if (isSecret(name)) return readSecret(source, environment, files);
    const text = valueOf(environment, source);
    return text === "" || isServiceLink(source, text) ? undefined : { text, source };
  };
}

/**
 * Reads a secret from its variable, without the line end that a file of secrets may have left there, or from
 * the file that the variable with `_FILE` at its end names.
 *
 * @throws {RangeError} if both are set, the secret is blank, or the variable has a path instead of a secret.
 */
export function readSecret(
  variable: string,
  environment: Environment,
  files: SecretFiles | undefined,
): RawSetting | undefined {
  const text = valueOf(environment, variable).replace(/[\r\n]+$/, "");
  const source = `${variable}_FILE`;
  const path = valueOf(environment, source);
  if (path !== "") {
    if (text !== "") throw new RangeError(`${variable} and ${source} exclude each other`);
    if (files === undefined) throw new RangeError(`${source} is of no use here: this runtime has no files`);
    return { text: files.read(path, source), source };
  }
  if (valueOf(environment, variable) === "") return undefined;
  if (text.trim() === "") throw new RangeError(`${variable} is blank; unset it, or set a secret`);
  if (/^\.{0,2}\//.test(text) && files?.exists(text))
    throw new RangeError(`${variable} is the path of a file; name the file by ${source}`);
  return { text, source: variable };
}

/**
 * Returns a line for each `PLAYCOUNT_…` variable that is neither of a setting nor one of `others`, and is
 * ignored. No line shows a value.
 */
export function noteIgnored(environment: Environment, others: readonly string[] = []): string[] {
  const known = [...settingNames().flatMap(variablesOf), ...others];
  const names = known.map((variable) => variable.slice(PREFIX.length));
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (!variable.startsWith(PREFIX) || value === "") return [];
    const isKnown = known.includes(variable);
    if (isServiceLink(variable, String(value)))
      return isKnown
        ? `${variable} is ignored: it is the address of a Kubernetes Service; ${LINKS_ADVICE}`
        : [];
    if (isKnown) return [];
    const name = nearest(variable.slice(PREFIX.length), names);
    return `${variable} is unknown and ignored${name === undefined ? "" : `; did you mean ${PREFIX}${name}?`}`;
  });
}

/**
 * Returns true for a variable that Kubernetes sets in pods for a Service named playcount, or named so with a
 * suffix. Its `PLAYCOUNT_PORT` is an address.
 */
function isServiceLink(variable: string, value: string): boolean {
  return (
    /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(variable) ||
    (variable.endsWith("_PORT") && /^(?:tcp|udp|sctp):\/\//.test(value))
  );
}

function valueOf(environment: Environment, variable: string): string {
  return String(environment[variable] ?? "");
}
