import { whenReady } from "../async.ts";
import { type Environment, environmentLookup } from "../settings/environment.ts";
import { readSettings } from "../settings/settings.ts";
import { createHandler, type Handler } from "../http/handler.ts";
import { ShardedStore } from "../store/memory/sharded-store.ts";

let handler: Handler | undefined;

/**
 * The whole counter, as a module that workerd, `deno serve` and `bun FILE` run as it is.
 *
 * On workerd the settings are bindings with the names of the environment variables, and the counts are those
 * of one isolate; elsewhere the settings have their defaults. The first request makes the store, because
 * workerd has no random values before it.
 */
export default {
  fetch(request: Request, bindings?: unknown): ReturnType<Handler> {
    handler ??= create((bindings ?? {}) as Environment);
    return whenReady(handler(request), dated);
  },
};

/** Adds the `Date` that an answer must have (RFC 9110 §6.6.1): workerd adds none. */
function dated(answer: Response): Response {
  answer.headers.set("date", new Date().toUTCString());
  return answer;
}

function create(bindings: Environment): Handler {
  const settings = readSettings(environmentLookup(bindings));
  return createHandler(new ShardedStore(settings), { ...settings, trustsLength: true });
}
