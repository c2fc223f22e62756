import type { Cases } from "../subject.ts";
import { access } from "./access.ts";
import { batch } from "./batch.ts";
import { bodies } from "./bodies.ts";
import { conditions } from "./conditions.ts";
import { counting } from "./counting.ts";
import { folds } from "./folds.ts";
import { currentBatchAnswers, keptBatchAnswers, keys } from "./keys.ts";
import { endlessBodies, heldBodies } from "./held-bodies.ts";
import { headers, wireHeaders } from "./headers.ts";
import { ids } from "./ids.ts";
import { jsonFirst, jsonFirstWire } from "./json-default.ts";
import { limits } from "./limits.ts";
import { conditionalClears, listing, unsupportedClears } from "./listing.ts";
import { methods } from "./methods.ts";
import { namedSongs } from "./named-songs.ts";
import { negotiation } from "./negotiation.ts";
import { pages } from "./pages.ts";
import { cappedProblems, problems } from "./problems.ts";
import { queries } from "./queries.ts";
import { cappedStreams, guardedStreams, streams } from "./streams.ts";
import { targets } from "./targets.ts";
import { framing } from "./framing.ts";
import { pipelining } from "./pipelining.ts";

export { GUARDED, MANAGER } from "./access.ts";
export { JSON_FIRST, TEXT_CLIENT } from "./json-default.ts";
export { CAPS } from "./limits.ts";

/** Cases for a server with default settings, sent by `fetch`. */
export const cases: Cases = {
  ...counting,
  ...listing,
  ...namedSongs,
  ...ids,
  ...bodies,
  ...methods,
  ...negotiation,
  ...conditions,
  ...queries,
  ...pages,
  ...headers,
  ...streams,
  ...folds,
  ...batch,
  ...keys,
  ...problems,
};

/** The same for counts in memory or in a folder, in a Durable Object, and in Redis. */
export const localCases: Cases = { ...conditionalClears, ...keptBatchAnswers };
export const objectCases: Cases = { ...conditionalClears, ...currentBatchAnswers };
export const redisCases: Cases = { ...unsupportedClears, ...currentBatchAnswers };

/** Cases for a server with the settings in `CAPS`. */
export const cappedCases: Cases = { ...limits, ...cappedStreams, ...cappedProblems, ...endlessBodies };

/** Cases for a server with the settings in `GUARDED`. */
export const guardedCases: Cases = { ...access, ...guardedStreams };

/** Cases for a server with the settings in `JSON_FIRST`. */
export const jsonFirstCases: Cases = jsonFirst;

/** The same, of bytes on a connection. */
export const jsonFirstWireCases: Cases = jsonFirstWire;
export const cappedWireCases: Cases = heldBodies;

/** Cases of bytes on a connection that `fetch` cannot send. */
export const wireCases: Cases = { ...targets, ...framing, ...wireHeaders };

/** The same for a server that answers each request before it reads the next one. */
export const pipelinedCases: Cases = pipelining;
