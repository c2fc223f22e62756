export type { Awaitable } from "./awaitable.ts";
export { Metrics } from "./metrics.ts";
export { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
export {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  MAX_COUNT,
  type StoreOptions,
} from "./store/count-store.ts";
export { Refusal, type RefusalReason } from "./store/refusal.ts";
export type { RequestKey } from "./store/request-key.ts";
export { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "./store/sharded-store.ts";
