import type { Awaitable } from "../../async.ts";
import { BatchWrite } from "./batch-write.ts";
import type { Addition, BatchAddition, Chunk, CountStore, Entry, StoreFigures } from "../count-store.ts";
import { FoldLifecycle } from "./fold-lifecycle.ts";
import { SongReader } from "./song-reader.ts";
import type { RequestKey } from "../request-key.ts";
import type { StoreHandle } from "./handle.ts";
import { Shards } from "./shards.ts";
import { createStoreHandle, type ShardedStoreOptions } from "./store-handle.ts";

export type { StoreHandle } from "./handle.ts";
export type { ShardedStoreOptions } from "./store-handle.ts";

/**
 * Counts in memory, packed into shards, which any number of threads can work on at once.
 *
 * A song is in the shard that a hash of its id says, keyed at random; a shard has a lock that is held for one look-up
 * or one addition, or while the shard is copied to be read. A song with an id of 14 bytes takes some 32 bytes.
 *
 * A fold is a set of shards: to seal, another set takes the open one's place, however many songs there are. A song may
 * be in several sets then, and takes memory in each.
 */
export class ShardedStore implements CountStore {
  /** What other threads attach themselves by. */
  readonly handle: StoreHandle;
  readonly maxIdBytes: number;
  readonly #maxSongs: number;
  readonly #shards: Shards;
  readonly #folds: FoldLifecycle;
  readonly #batch: BatchWrite;
  readonly #reading: SongReader;

  /** @throws {RangeError} for a limit that is out of its range. */
  constructor(options: ShardedStoreOptions = {}, attachment?: { handle: StoreHandle; owner: number }) {
    this.handle = attachment?.handle ?? createStoreHandle(options);
    this.maxIdBytes = this.handle.maxIdBytes;
    this.#maxSongs = this.handle.maxSongs;
    this.#shards = new Shards(this.handle, attachment?.owner ?? 1);
    this.#batch = new BatchWrite(this.#shards, this.handle);
    this.#folds = new FoldLifecycle(this.#shards, this.handle.maxFolds);
    this.#reading = new SongReader(this.#shards, this.#folds);
  }

  /**
   * The store of another thread, as this one sees it. `thread` is this one's number: from 1 on, another for each
   * thread, and used again only after {@linkcode release}.
   *
   * @throws {RangeError} if there are fewer threads.
   */
  static attach(handle: StoreHandle, thread: number): ShardedStore {
    if (!(Number.isInteger(thread) && thread >= 1 && thread < handle.owners))
      throw new RangeError(`There is no thread ${thread}`);
    return new ShardedStore({}, { handle, owner: ownerOf(thread) });
  }

  get version(): string {
    return `${this.handle.name}-${this.#shards.heap.changes(this.handle.owners)}`;
  }

  /** Songs that there are, the fold that is kept included. */
  get songs(): number {
    return this.#shards.heap.songs;
  }

  figures(): StoreFigures {
    const { heap } = this.#shards;
    return {
      songs: heap.songs,
      plays: heap.plays(this.handle.owners),
      folds: this.#folds.count(),
      bytes: heap.bytes + this.handle.lastRequests.byteLength,
    };
  }

  get(id: string, after?: number): number {
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      return this.#shards.sum(at, this.#folds.firstPlace(after));
    } finally {
      this.#shards.unlock(at);
    }
  }

  add(id: string, plays: number, key?: RequestKey): Addition {
    if (key !== undefined) return this.#addOnce(id, plays, key);
    const shards = this.#shards;
    const at = this.#shards.locate(id);
    shards.lock(at);
    try {
      const { ring } = shards;
      const open = ring.length - 1;
      if (open === 0) return { count: this.#addTo(at, plays, 0), fold: 0 };
      const kept = ring.firstCounted === 0 ? 0 : shards.shardAt(0, at).get(shards.id);
      const sealed = this.#shards.sum(at, ring.firstCounted, open);
      return { count: sealed + this.#addTo(at, plays, kept + sealed), fold: ring.newest };
    } finally {
      shards.unlock(at);
    }
  }

  /** All shards that have a song of it are locked together. */
  addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): BatchAddition {
    return key === undefined ? this.#batch.add(plays) : this.#batch.addOnce("batch", plays, key);
  }

  /** Each shard is read at one instant, when its turn comes; what is held is a copy of one of them. */
  entries(after?: number): Generator<Chunk> {
    return this.#reading.entries(after);
  }

  /** Each shard is read at one instant; between two steps everything else has its turn. */
  top(n: number, after?: number): Awaitable<Entry[]> {
    return this.#reading.top(n, after);
  }

  seal(fold: number): boolean {
    return this.#folds.seal(fold);
  }

  folds(): number[] {
    return this.#folds.list();
  }

  acknowledge(fold: number): void {
    this.#folds.acknowledge(fold);
  }

  /** A fold that is dropped while it is read breaks the reading off. */
  fold(fold: number): Generator<Chunk> {
    this.#shards.whileAllLocked(() => this.#folds.placeOf(fold));
    return this.#reading.fold(fold);
  }

  /** Takes as long as it takes to lock every shard, however many songs there are. */
  clear(unless?: (version: string) => boolean): boolean {
    return this.#shards.whileAllLocked(() => {
      if (unless?.(this.version)) return false;
      this.#shards.heap.countChange();
      this.#shards.clear();
      return true;
    });
  }

  /**
   * Releases what another thread held when it ended, and puts right what it left half done: until then others may wait
   * for it. To be called when nothing of it runs any more, by a thread that does not use the store otherwise, or it
   * might wait itself.
   *
   * An addition or a batch that was under way is counted or not; if it is not, its new songs may take room until the
   * next clear without being there.
   */
  release(thread: number): void {
    for (const slot of this.#shards.release(ownerOf(thread))) this.#folds.free(slot);
  }

  #addOnce(id: string, plays: number, key: RequestKey): Addition {
    const { counts, fold } = this.#batch.addOnce("song", new Map([[id, plays]]), key);
    return { count: counts[0] as number, fold };
  }

  #addTo(at: number, plays: number, elsewhere: number): number {
    const open = this.#shards.openShard(at);
    if (plays === 0) return open.get(this.#shards.id);
    return open.add(this.#shards.id, plays, elsewhere, this.#maxSongs);
  }
}

/** The number by which locks know a thread: the one that made the store is 1. */
function ownerOf(thread: number): number {
  return thread + 1;
}
