/**
 * The whole play counter as a module for workerd, with its settings in bindings.
 *
 * @example
 * ```ts
 * import counter from "playcount/workerd";
 *
 * const bindings = { PLAYCOUNT_RESOURCE: "video" };
 * const play = new Request("http://localhost/video/1", { method: "POST" });
 * const answer = await counter.fetch(play, bindings);
 * await answer.text(); // "1"
 * ```
 *
 * @module
 */

import { whenReady } from "../async/awaitable.ts";
import { type Environment, environmentLookup } from "../settings/environment.ts";
import { readSettings } from "../settings/settings.ts";
import { createHandler, type Handler } from "../http/handler.ts";
import { ShardedStore } from "../store/memory/sharded-store.ts";

let handler: Handler | undefined;

/**
 * The whole counter, as a module for workerd.
 *
 * The settings are bindings with the names of the environment variables. Without `PLAYCOUNT_TOKEN`, every
 * client can clear the counts, which are those of one isolate. The first request makes the store, because
 * workerd has no random values before it.
 */
const counter: { fetch(request: Request, bindings?: unknown): ReturnType<Handler> } = {
  fetch(request, bindings) {
    handler ??= create((bindings ?? {}) as Environment);
    return whenReady(handler(request), dated);
  },
};
export default counter;

/** Adds the `Date` that an answer must have (RFC 9110 §6.6.1): workerd adds none. */
function dated(answer: Response): Response {
  answer.headers.set("date", new Date().toUTCString());
  return answer;
}

function create(bindings: Environment): Handler {
  const settings = readSettings(environmentLookup(bindings));
  return createHandler(new ShardedStore(settings), { ...settings, trustsLength: true });
}
