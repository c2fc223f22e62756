import { type Environment, isServiceLink } from "../settings/environment.ts";
import { variablesOf } from "../settings/names.ts";
import { settingNames } from "../settings/settings.ts";
import { FOLD_VARIABLES } from "./fold/arguments.ts";
import { nearest } from "./nearest.ts";

const PREFIX = "PLAYCOUNT_";
const LINKS_ADVICE = "; enableServiceLinks: false leaves it out of the pod";

/** Returns a line for each `PLAYCOUNT_…` variable that is ignored. No line shows a value. */
export function noteIgnoredVariables(environment: Environment): string[] {
  const known = [...settingNames().flatMap(variablesOf), ...FOLD_VARIABLES];
  const notes: string[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || value === "") continue;
    const isKnown = known.includes(variable);
    if (isServiceLink(variable, String(value))) {
      if (isKnown)
        notes.push(`${variable} is ignored: it is the address of a Kubernetes Service${LINKS_ADVICE}`);
    } else if (!isKnown) {
      const name = nearest(
        variable.slice(PREFIX.length),
        known.map((other) => other.slice(PREFIX.length)),
      );
      notes.push(
        `${variable} is unknown and ignored${name === undefined ? "" : `; did you mean ${PREFIX}${name}?`}`,
      );
    }
  }
  return notes;
}
