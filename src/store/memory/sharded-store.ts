import type { Awaitable } from "../../async/awaitable.ts";
import { runInTurns } from "../../async/turns.ts";
import type { HashKey } from "../../hash.ts";
import { checkFold, checkPlays } from "../arguments.ts";
import { BatchWrite } from "./batch-write.ts";
import type {
  Addition,
  BatchAddition,
  Chunk,
  CountStore,
  Entry,
  SealedFold,
  SongPlays,
  StoreFigures,
} from "../count-store.ts";
import { FoldLifecycle } from "./fold-lifecycle.ts";
import { SongReader } from "./song-reader.ts";
import type { RequestKey } from "../request-key.ts";
import { recover } from "./recovery.ts";
import { Shards } from "./shards.ts";
import { createStoreHandle, type ShardedStoreOptions, type StoreHandle } from "./store-handle.ts";

export type { ShardedStoreOptions, StoreHandle } from "./store-handle.ts";

interface StoreInternals {
  handle?: StoreHandle;
  owner?: number;
  key?: HashKey | undefined;
  runTask?: (task: Generator<undefined, void>) => unknown;
}

/**
 * Counts in memory, packed into shards that several threads can share. The counts end with the process.
 *
 * The hash of an id, with a random key, chooses its shard. A shard has a lock, held for one look-up, one
 * addition, or one copy of the shard. A song with an id of 14 bytes takes about 32 bytes, and as much again
 * in each fold that has it.
 *
 * @example
 * ```ts
 * import { ShardedStore } from "playcount";
 *
 * const store = new ShardedStore({ maxSongs: 1000 });
 * store.add("a", 2); // { count: 2, fold: 0 }
 * store.seal(1); // true
 * store.add("a", 1); // { count: 3, fold: 1 }
 * Array.from(store.fold(1), (chunk) => [...chunk]).flat(); // [["a", 2]]
 * store.acknowledge(1);
 * store.get("a"); // 1
 * ```
 */
export class ShardedStore implements CountStore {
  /** The handle with which other threads attach themselves. */
  readonly handle: StoreHandle;
  readonly maxIdBytes: number;
  /** @internal */ readonly hashKey: HashKey;
  /** @internal */ protected readonly shards: Shards;
  /** @internal */ protected readonly lifecycle: FoldLifecycle;
  /** The limit of single additions: that of the handle, unless a start has set another. @internal */
  protected maxSongs: number;
  /** @internal */ protected readonly batches: BatchWrite;
  readonly #reader: SongReader;

  /**
   * Makes an empty store. `internals` are for {@linkcode attach} and CommitStore only.
   *
   * @throws {RangeError} if an option is out of range, or the system refuses to reserve the memory.
   */
  constructor(options: ShardedStoreOptions = {}, internals: StoreInternals = {}) {
    this.handle = internals.handle ?? createStoreHandle(options, internals.key);
    this.maxIdBytes = this.handle.maxIdBytes;
    this.maxSongs = this.handle.maxSongs;
    this.hashKey = this.handle.hashKey;
    this.shards = new Shards(this.handle, internals.owner ?? 1);
    this.batches = new BatchWrite(this.shards, this.handle);
    this.lifecycle = new FoldLifecycle(this.shards, this.handle.maxFolds, internals.runTask);
    this.#reader = new SongReader(this.shards, this.handle.keepsOrder);
  }

  /**
   * Attaches a thread to a store that another thread has made. `thread` is its number, from 1 to the
   * `threads` of the store's options. No two threads may use the same number, and a number may be used again
   * after {@linkcode release}.
   *
   * @throws {RangeError} if `thread` is out of range.
   */
  static attach(handle: StoreHandle, thread: number): ShardedStore {
    if (!(Number.isInteger(thread) && thread >= 1 && thread < handle.owners))
      throw new RangeError(`thread must be a whole number from 1 to ${handle.owners - 1}, not ${thread}`);
    return new ShardedStore({}, { handle, owner: ownerOf(thread) });
  }

  get version(): string {
    return `${this.handle.name}-${this.shards.heap.changes(this.handle.owners)}`;
  }

  get newestFold(): number {
    return this.shards.ring.newest;
  }

  figures(): StoreFigures {
    const { heapBuffer, requestsBuffer } = this.handle;
    return {
      songs: this.shards.heap.songs,
      ...this.lifecycle.figures(),
      bytes: heapBuffer.byteLength + requestsBuffer.byteLength,
      maxBytes: heapBuffer.maxByteLength + requestsBuffer.maxByteLength,
    };
  }

  get(id: string, after?: number): number {
    return this.shards.playsIn(this.shards.locate(id), after);
  }

  getAll(ids: readonly string[], after?: number): number[] {
    return ids.map((id) => this.get(id, after));
  }

  add(id: string, plays: number, key?: RequestKey): Addition {
    checkPlays(plays);
    if (key !== undefined) return this.#addOnce(id, plays, key);
    const { shards, maxSongs } = this;
    const at = shards.locate(id);
    shards.lock(at);
    try {
      const { ring } = shards;
      const fold = ring.newest;
      if (fold === 0) return { count: shards.openShard(at).add(shards.id, plays, 0, 0, maxSongs), fold };
      const { kept: keptFold, firstCounted, open } = ring;
      const kept = shards.sum(at, keptFold, firstCounted);
      const sealed = shards.sum(at, firstCounted, open);
      const own = shards.openShard(at).add(shards.id, plays, sealed, kept, maxSongs);
      if (own === plays && plays > 0 && sealed > 0) ring.loseSong(shards.newestPlayed);
      return { count: sealed + own, fold };
    } finally {
      shards.unlock(at);
    }
  }

  /**
   * See {@linkcode CountStore.addAll}. A promise if the batch has more than about 2,000 songs, or long ids.
   */
  addAll(plays: SongPlays, key?: RequestKey): Awaitable<BatchAddition> {
    return runInTurns(this.batches.add(plays, key));
  }

  /** See {@linkcode CountStore.entries}. Each shard is read at one instant. */
  entries(after?: number): Generator<Chunk> {
    return this.#reader.entries(after);
  }

  /** See {@linkcode CountStore.top}. Each shard is read at one instant; other work runs in between. */
  top(n: number, after?: number): Awaitable<Entry[]> {
    return runInTurns(this.#reader.top(n, after));
  }

  /** See {@linkcode CountStore.seal}. `now`: in milliseconds since 1970. */
  seal(fold: number, label: string = "", now: number = Date.now()): boolean {
    checkFold(fold, label);
    return this.lifecycle.seal({ fold, label, sealedAt: now });
  }

  folds(): SealedFold[] {
    return this.lifecycle.list();
  }

  /** See {@linkcode CountStore.acknowledge}. `now`: in milliseconds since 1970. */
  acknowledge(fold: number, label?: string, now: number = Date.now()): void {
    this.lifecycle.acknowledge(fold, label, now);
  }

  /**
   * See {@linkcode CountStore.fold}. If the fold is dropped or cleared while it is read, the next chunk
   * throws a `Refusal`: `gone`.
   */
  fold(fold: number): Generator<Chunk> {
    return this.#reader.fold(this.shards.whileLocked([0], () => this.shards.ring.setOf(fold)));
  }

  /**
   * See {@linkcode CountStore.clear}. Takes as long as locking all shards, however many songs the store has.
   */
  clear(unless?: (version: string) => boolean): boolean {
    return this.shards.whileAllLocked(() => {
      if (unless?.(this.version)) return false;
      this.shards.heap.recordChange();
      this.shards.clear();
      return true;
    });
  }

  /**
   * Releases the locks of a thread that has ended or died, and completes or undoes its last change. Until
   * then other threads may wait for it. Call it once nothing of the thread runs, and from a thread that does
   * not use the store otherwise: it could be waiting itself.
   *
   * An addition or batch that was under way is counted or not. If not, its new songs may count against
   * `maxSongs` until the next clear.
   */
  release(thread: number): void {
    for (const set of recover(this.shards, ownerOf(thread))) this.lifecycle.free(set);
  }

  #addOnce(id: string, plays: number, key: RequestKey): Addition {
    const { counts, fold } = this.batches.addOne(id, plays, key);
    return { count: counts[0] as number, fold };
  }
}

/** Returns the owner number of a thread, by which locks know it. The thread that made the store is 1. */
function ownerOf(thread: number): number {
  return thread + 1;
}
