import type { Environment } from "../settings/environment.ts";
import { noteIgnored } from "../settings/variables.ts";
import { FOLD_VARIABLES } from "./fold/arguments.ts";

/** Returns a line for each `PLAYCOUNT_…` variable that no command reads. */
export function noteIgnoredVariables(environment: Environment): string[] {
  return noteIgnored(environment, FOLD_VARIABLES);
}
