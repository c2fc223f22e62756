import { runAtOnce } from "../../async/turns.ts";
import { KeyedMap } from "../../keyed-map.ts";
import type { HashKey } from "../../hash.ts";
import type { BatchAddition, Entry } from "../count-store.ts";
import type { KeyedRequest, LastRequest } from "../request-key.ts";
import { inSlices, type PackedBatch } from "../packed-batch.ts";
import { indexSongs } from "./appended-songs.ts";
import { BatchColumns } from "./batch-columns.ts";
import type { BatchWrite } from "./batch-write.ts";
import type { FoldLifecycle } from "./fold-lifecycle.ts";
import { idWord } from "./entry-blocks.ts";
import { MAX_ID_WORDS } from "../packed-id.ts";
import { ShardedStore, type ShardedStoreOptions } from "./sharded-store.ts";

/** A request with more songs is kept without its counts: a retry returns the current ones. */
const MAX_KEPT_COUNTS = 10_000;

/** The last request of a writer, with the writer's name. */
export type KeptRequest = LastRequest & { writer: string };

/** The outcome of an addition if its commit succeeds. One that is not staged was added before. */
export interface StagedAddition {
  addition: BatchAddition;
  isStaged: boolean;
}

/**
 * A store as its commit thread has it. That thread makes the store, and is the only one that changes it.
 *
 * An addition takes two steps, so that it cannot fail once it is durable. {@linkcode stage} checks it, and
 * reserves its entries; no reader sees it. After the commit {@linkcode applyStaged} adds the staged plays.
 */
export class CommitStore extends ShardedStore {
  /** @internal */ declare readonly batches: BatchWrite;
  /** @internal */ declare readonly lifecycle: FoldLifecycle;
  /** @internal */ declare maxSongs: number;
  /** The staged plays, by entry of the open set. */
  readonly #staged = new Map<number, number>();
  /** Of the staged songs that only folds have: the set of the newest one, by entry. */
  readonly #sealedIn = new Map<number, number>();
  readonly #stagedShards = new Set<number>();
  /** The ids of large batches, by entry: decoded while they were prepared. */
  readonly #texts = new Map<number, string>();
  /** The staged requests with keys, by writer. */
  #requests = new KeyedMap<KeptRequest>();
  /** New songs among the staged ones, which count against `maxSongs` already. */
  #claimed = 0;
  readonly #single = new BatchColumns(
    {
      size: 1,
      words: new Int32Array(1 + MAX_ID_WORDS),
      idPositions: new Int32Array(1),
      plays: new Float64Array(1),
    },
    this.shards,
  );
  /** Tasks that free dropped folds: a commit thread that sleeps runs no timers, and so runs them itself. */
  readonly #tasks: Generator<undefined, void>[];

  constructor(options: ShardedStoreOptions, key?: HashKey) {
    const tasks: Generator<undefined, void>[] = [];
    super(options, { key, runTask: (task) => tasks.push(task) });
    this.#tasks = tasks;
  }

  /** See {@linkcode indexSongs}. */
  index(): void {
    indexSongs(this.shards, this.maxSongs);
  }

  /** Songs with staged plays. */
  get stagedSongs(): number {
    return this.#staged.size;
  }

  /** The staged requests with keys. */
  get stagedRequests(): KeptRequest[] {
    return [...this.#requests.values()];
  }

  /** True if a request of the same writer is staged: the writer's next request has to wait for its commit. */
  hasStaged(keyed: KeyedRequest | undefined): boolean {
    return keyed !== undefined && this.#requests.has(keyed.key.writer);
  }

  /** Returns the columns of a packed batch. */
  unpack(batch: PackedBatch): BatchColumns {
    return new BatchColumns(batch, this.shards);
  }

  /** Returns the columns of one song, whose packed id begins at `at`: the same object each time. */
  unpackOne(words: Int32Array, at: number, plays: number): BatchColumns {
    const { id, shardCount } = this.shards;
    const single = this.#single;
    id.setAt(words, at);
    single.batch.words[0] = id.hash;
    id.copyTo(single.batch.words, 1);
    single.shards[0] = id.hash & (shardCount - 1);
    single.batch.plays[0] = plays;
    return single;
  }

  /**
   * Stages all songs, or none; unless a request with a key is its writer's last one, whose answer it returns.
   * Prepares a large batch in slices, and yields between them: additions may be staged and applied then, but
   * no fold may be sealed, acknowledged or cleared.
   *
   * @throws {Refusal} as {@linkcode CountStore.addAll} does.
   */
  *stage(songs: BatchColumns, keyed: KeyedRequest | undefined): Generator<undefined, StagedAddition> {
    const recalled = keyed && (yield* this.batches.recall(keyed, songs));
    if (recalled !== undefined) return { addition: recalled, isStaged: false };
    yield* this.batches.prepare(songs, this.#staged);
    if (songs.isLarge) {
      yield* inSlices(songs.batch, (first, end) => {
        for (let song = first; song < end; song++) {
          songs.load(song, this.shards.id);
          songs.texts.push(this.shards.id.text);
        }
      });
      // While it was prepared, the same request may have been committed through another thread.
      const again = keyed && runAtOnce(this.batches.recall(keyed, songs));
      if (again !== undefined) return { addition: again, isStaged: false };
    }
    const { heap } = this.shards;
    const addition = this.batches.reserve(songs, this.#staged);
    this.#claimed += songs.added;
    for (let song = 0; song < songs.size; song++) {
      const plays = songs.batch.plays[song] as number;
      if (plays === 0) continue;
      const entry = songs.entries[song] as number;
      this.#staged.set(entry, (this.#staged.get(entry) ?? 0) + plays);
      const newest = songs.newestSets?.[song] ?? -1;
      if (newest !== -1 && heap.numbers[entry] === 0) this.#sealedIn.set(entry, newest);
      this.#stagedShards.add(songs.shards[song] as number);
      if (songs.isLarge) this.#texts.set(entry, songs.texts[song] as string);
    }
    if (keyed !== undefined) this.#stageRequest(keyed, addition);
    return { addition, isStaged: true };
  }

  #stageRequest({ key, fingerprint }: KeyedRequest, { counts, fold }: BatchAddition): void {
    const totals = counts.length > MAX_KEPT_COUNTS ? null : [...counts];
    this.#requests.set(key.writer, { writer: key.writer, seq: key.seq, fingerprint, fold, totals });
  }

  /** Returns the staged songs and plays. */
  stagedEntries(): Entry[] {
    return Array.from(this.#staged, ([entry, plays]) => [
      this.#texts.get(entry) ?? this.#textOf(entry),
      plays,
    ]);
  }

  #textOf(entry: number): string {
    const { id, heap } = this.shards;
    id.load(heap.words, idWord(entry), 0);
    return id.text;
  }

  /**
   * Adds the staged plays, as one change, and keeps the staged requests. If the thread dies half-way, a part
   * is missing.
   */
  applyStaged(): void {
    if (this.#staged.size > 0)
      this.shards.whileLocked(Int32Array.from(this.#stagedShards).sort(), () => this.#addStaged());
    for (const request of this.#requests.values()) this.remember(request);
    this.#forgetStaged();
  }

  #addStaged(): void {
    const { heap, ring } = this.shards;
    heap.recordChange();
    for (const [entry, plays] of this.#staged) heap.numbers[entry] = (heap.numbers[entry] as number) + plays;
    for (const newest of this.#sealedIn.values()) ring.loseSong(newest);
  }

  /**
   * Forgets the staged plays and requests, and removes the entries that were made for them, and for a batch
   * that is being staged: it has to begin again.
   */
  discardStaged(): void {
    const { heap, id, shardCount } = this.shards;
    heap.unclaimSongs(this.#claimed);
    for (let at = 0; at < shardCount; at++)
      this.shards.whileLocked([at], () => this.shards.openShard(at).removeUnplayed(id));
    this.#forgetStaged();
  }

  #forgetStaged(): void {
    this.#claimed = 0;
    this.#staged.clear();
    this.#sealedIn.clear();
    this.#texts.clear();
    this.#stagedShards.clear();
    this.#requests = new KeyedMap();
  }

  /** True while the memory of a dropped fold is to be freed. */
  get hasToFree(): boolean {
    return this.#tasks.length > 0;
  }

  /** Frees some memory of dropped folds, in one or two milliseconds. */
  free(): void {
    if (this.#tasks[0]?.next().done) this.#tasks.shift();
  }

  /** Keeps a request and its answer as the last one of its writer. */
  remember({ writer, seq, fingerprint, fold, totals }: KeptRequest): void {
    const { lastRequests } = this.shards;
    lastRequests.whileLocked(() => {
      const answer = { fold, counts: totals === null ? undefined : Float64Array.from(totals) };
      lastRequests.remember({ key: { writer, seq }, fingerprint }, answer);
    });
  }
}
