import type { HashKey } from "../../hash.ts";
import type { GrowingBuffer } from "./growing-buffer.ts";

/** What another thread needs to `ShardedStore.attach` itself to a store; can be sent by `postMessage`. */
export interface StoreHandle {
  readonly heap: GrowingBuffer;
  readonly lastRequests: GrowingBuffer;
  readonly name: string;
  readonly key: HashKey;
  readonly shardBits: number;
  readonly owners: number;
  readonly maxSongs: number;
  readonly maxIdBytes: number;
  readonly maxFolds: number;
  readonly maxWriters: number;
}
