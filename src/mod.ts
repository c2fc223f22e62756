export type { Awaitable } from "./async/awaitable.ts";
export { Metrics } from "./http/metrics/metrics.ts";
export { createHandler, type Handler, type HandlerOptions } from "./http/handler.ts";
export {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  MAX_COUNT,
  type SealedFold,
  type SongPlays,
  type StoreOptions,
} from "./store/count-store.ts";
export { Refusal, type RefusalReason } from "./store/refusal.ts";
export type { RequestKey } from "./store/request-key.ts";
export { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "./store/memory/sharded-store.ts";
