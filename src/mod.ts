/**
 * The whole play counter as a function from `Request` to `Response`, with its counts in memory.
 *
 * The adapters of the other entries serve it; `playcount/durable` and `playcount/redis` keep its counts on
 * a disk and in Redis.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 *
 * const handle = createHandler(new ShardedStore(), { basePath: "/plays" });
 * await handle(new Request("http://localhost/plays/song/1", { method: "POST", body: "3" }));
 * const answer = await handle(new Request("http://localhost/plays/"));
 * await answer.text(); // "1=3"
 * ```
 *
 * @module
 */

export type { Awaitable } from "./async/awaitable.ts";
export { Metrics, type RequestCount } from "./http/metrics/metrics.ts";
export { createHandler, type Handler, type HandlerOptions } from "./http/handler.ts";
export type { HANDLER_SETTINGS, HandlerSettings } from "./http/exchange.ts";
export type { GuardOptions } from "./http/guard.ts";
export type { GivenSettings, Settings } from "./settings/settings.ts";
export type { STORE_SETTINGS } from "./settings/store-settings.ts";
export type { REQUEST_SETTINGS, SERVICE_SETTINGS, SETTINGS } from "./settings/table.ts";
export {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  type FoldFigures,
  MAX_COUNT,
  type SealedFold,
  type SongPlays,
  type StoreFigures,
  type StoreOptions,
} from "./store/count-store.ts";
export { Refusal, type RefusalReason } from "./store/refusal.ts";
export type { RequestKey } from "./store/request-key.ts";
export type { GrowingBuffer } from "./store/memory/growing-buffer.ts";
export type { HashKey } from "./hash.ts";
export { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "./store/memory/sharded-store.ts";
