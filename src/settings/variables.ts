import { type Environment, isServiceLink } from "./environment.ts";
import { variablesOf } from "./names.ts";
import { settingNames } from "./settings.ts";
import { nearest } from "./nearest.ts";

const PREFIX = "PLAYCOUNT_";
const LINKS_ADVICE = "enableServiceLinks: false leaves it out of the pod";

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
