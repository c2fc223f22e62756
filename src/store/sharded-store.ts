import type { Awaitable } from "../awaitable.ts";
import { inSteps } from "../steps.ts";
import type { Chunk, CountStore, Entry } from "./count-store.ts";
import { Highest } from "./highest.ts";
import { lock, ownerOf, unlock } from "./lock.ts";
import { Memory } from "./memory.ts";
import { PackedId } from "./packed-id.ts";
import { PackedShard } from "./packed-shard.ts";
import { ShardCopy } from "./shard-copy.ts";
import { createHandle, type ShardedStoreOptions, type StoreHandle } from "./store-handle.ts";

export type { ShardedStoreOptions, StoreHandle } from "./store-handle.ts";

/** A shard's lock and head have a cache line for themselves, so that threads at work on two do not slow each other down. */
const SHARD_WORDS = 16;
const LOCK = 0;
const SHARD_HEAD = 8;

/** A step of a walk over all songs visits as many of them, or a shard: a millisecond or two. */
const STEP = 4096;

/**
 * Counts in memory, packed into shards, which any number of threads can work on at once.
 *
 * A song is in the shard that a hash of its id says, keyed at random; a shard has a lock that is held for one look-up
 * or one addition, or while the shard is copied to be read. A song with an id of 14 bytes takes some 32 bytes.
 */
export class ShardedStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #handle: StoreHandle;
  readonly #memory: Memory;
  readonly #owner: number;
  readonly #shards: readonly PackedShard[];
  readonly #id: PackedId;

  /** @throws {RangeError} for a limit that is out of its range. */
  constructor(options: ShardedStoreOptions = {}, attachment?: { handle: StoreHandle; owner: number }) {
    this.#handle = attachment?.handle ?? createHandle(options);
    this.#owner = attachment?.owner ?? 1;
    const { buffer, key, shardBits, maxIdBytes } = this.#handle;
    this.#memory = new Memory(buffer, (SHARD_WORDS << shardBits) / 2, this.#owner);
    this.#shards = Array.from({ length: 2 ** shardBits }, (_, at) => {
      return new PackedShard(this.#memory, this.#lockOf(at) + SHARD_HEAD, shardBits);
    });
    this.#id = new PackedId(key);
    this.maxIdBytes = maxIdBytes;
  }

  /**
   * The store of another thread, as this one sees it. `owner` is this thread's number: from 2 on, one for each thread,
   * and used again only after {@linkcode release}.
   */
  static attach(handle: StoreHandle, owner: number): ShardedStore {
    if (!(owner >= 2 && owner <= handle.owners)) throw new RangeError(`There is no thread ${owner}`);
    return new ShardedStore({}, { handle, owner });
  }

  /** What other threads attach themselves by. */
  get handle(): StoreHandle {
    return this.#handle;
  }

  get version(): string {
    return `${this.#handle.name}-${this.#memory.changes(this.#handle.owners)}`;
  }

  /** Songs that there are. */
  get songs(): number {
    return this.#memory.claimed;
  }

  get(id: string): number {
    const at = this.#locate(id);
    this.#lock(at);
    try {
      return this.#shard(at).get(this.#id);
    } finally {
      this.#unlock(at);
    }
  }

  add(id: string, plays: number): number {
    if (plays === 0) return this.get(id);
    const at = this.#locate(id);
    this.#lock(at);
    try {
      return this.#shard(at).add(this.#id, plays, this.#handle.maxSongs);
    } finally {
      this.#unlock(at);
    }
  }

  /** Each shard is read at one instant, when its turn comes; what is held is a copy of one of them. */
  *entries(): Generator<Chunk> {
    const copy = new ShardCopy();
    for (let at = 0; at < this.#shards.length; at++) {
      this.#copy(at, copy);
      for (let chunk = copy.next(); chunk !== undefined; chunk = copy.next()) yield chunk;
    }
  }

  /** Each shard is read at one instant; between two steps everything else has its turn. */
  top(n: number): Awaitable<Entry[]> {
    const found = new Highest(n);
    const copy = new ShardCopy();
    let at = 0;
    return inSteps(() => {
      for (let songs = 0; songs < STEP; at++) {
        if (at === this.#shards.length) return found.entries();
        songs += this.#shard(at).songs;
        this.#copy(at, copy);
        for (let next = copy.nextFrom(found.bar); next !== undefined; next = copy.nextFrom(found.bar))
          found.offer(next);
      }
      return undefined;
    });
  }

  /** Takes as long as it takes to lock every shard, however many songs there are. */
  clear(unless?: (version: string) => boolean): boolean {
    this.#shards.forEach((_, at) => this.#lock(at));
    try {
      if (unless?.(this.version)) return false;
      this.#memory.countChange();
      for (const shard of this.#shards) shard.forget();
      // Only now, when nothing refers to a block any more, even if this thread should die on the way.
      this.#memory.freeAll();
      this.#memory.claimed = 0;
      return true;
    } finally {
      this.#shards.forEach((_, at) => this.#unlock(at));
    }
  }

  /**
   * Releases what another thread held when it died, and puts right what it left half done: until then others may wait
   * for it. To be called by a thread that does not wait for the store itself.
   *
   * An addition that was under way is counted or not. A song that was may take room until the next clear without
   * being there.
   */
  release(owner: number): void {
    this.#memory.releaseLockOf(owner);
    for (const [at, shard] of this.#shards.entries()) {
      if (ownerOf(this.#memory.words, this.#lockOf(at)) !== owner) continue;
      shard.mend(this.#id);
      this.#memory.countChange();
      this.#unlock(at);
    }
  }

  /** Finds the shard of `id`, which is the one that this thread is at now. */
  #locate(id: string): number {
    this.#id.set(id, this.maxIdBytes);
    return this.#id.hash & (this.#shards.length - 1);
  }

  #copy(at: number, copy: ShardCopy): void {
    this.#lock(at);
    try {
      copy.take(this.#shard(at));
    } finally {
      this.#unlock(at);
    }
  }

  #shard(at: number): PackedShard {
    return this.#shards[at] as PackedShard;
  }

  #lock(at: number): void {
    lock(this.#memory.words, this.#lockOf(at), this.#owner);
  }

  #unlock(at: number): void {
    unlock(this.#memory.words, this.#lockOf(at));
  }

  #lockOf(at: number): number {
    return this.#memory.table + at * SHARD_WORDS + LOCK;
  }
}
