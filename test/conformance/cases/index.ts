import type { Cases } from "../subject.ts";
import { access } from "./access.ts";
import { batch } from "./batch.ts";
import { bodies } from "./bodies.ts";
import { counting } from "./counting.ts";
import { folds } from "./folds.ts";
import { keys } from "./keys.ts";
import { ids } from "./ids.ts";
import { limits } from "./limits.ts";
import { listing } from "./listing.ts";
import { methods } from "./methods.ts";
import { negotiation } from "./negotiation.ts";
import { cappedProblems, problems } from "./problems.ts";
import { targets } from "./targets.ts";
import { framing } from "./framing.ts";
import { pipelining } from "./pipelining.ts";

export { GUARDED, MANAGER } from "./access.ts";
export { CAPS } from "./limits.ts";

/** What holds for every request that a `fetch` can send. */
export const cases: Cases = {
  ...counting,
  ...listing,
  ...ids,
  ...bodies,
  ...methods,
  ...negotiation,
  ...folds,
  ...batch,
  ...keys,
  ...problems,
};

/** What holds of a server with the settings in `CAPS`. */
export const cappedCases: Cases = { ...limits, ...cappedProblems };

/** What holds of a server with the settings in `GUARDED`. */
export const guardedCases: Cases = access;

/** What holds for bytes on a connection that no `fetch` would send. */
export const wireCases: Cases = { ...targets, ...framing };

/** The same, of a server that answers each request before it takes the next one from the connection. */
export const pipelinedCases: Cases = pipelining;
