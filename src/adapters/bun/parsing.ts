import { setImmediate } from "node:timers";

let parsed: Promise<void> | undefined;

/**
 * Resolves when Bun has parsed all bytes that have arrived on any connection, and noticed those that were
 * closed: at the end of the next turn of the event loop. All requests of a turn share it.
 *
 * While a handler waits, Bun gives up its connection if anything follows the request: trailers, line ends,
 * the next request, or the end of the client's side. A handler that waits for this first can still count
 * nothing.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { whenParsed } from "playcount/bun";
 *
 * const handle = createHandler(new ShardedStore(), { whenParsed });
 * const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
 * await answer.text(); // "1"
 * ```
 */
export function whenParsed(): Promise<void> {
  return (parsed ??= new Promise((resolve) => {
    setImmediate(() => {
      parsed = undefined;
      setImmediate(resolve);
    });
  }));
}
