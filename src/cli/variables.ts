import { type Environment, isServiceLink } from "../settings/environment.ts";
import { variablesOf } from "../settings/names.ts";
import { settingNames } from "../settings/settings.ts";
import { FOLD_VARIABLES } from "./fold/arguments.ts";
import { nearest } from "./nearest.ts";

const PREFIX = "PLAYCOUNT_";
const LINKS_ADVICE = "enableServiceLinks: false leaves it out of the pod";

/** Returns a line for each `PLAYCOUNT_…` variable that is ignored. No line shows a value. */
export function noteIgnoredVariables(environment: Environment): string[] {
  const known = [...settingNames().flatMap(variablesOf), ...FOLD_VARIABLES];
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
