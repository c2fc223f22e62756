export type { Awaitable } from "./awaitable.ts";
export { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
export {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  MAX_COUNT,
  Refusal,
  type RefusalReason,
  type StoreOptions,
} from "./store/count-store.ts";
export { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "./store/sharded-store.ts";
