import { type BatchAddition, type Entry, MAX_COUNT } from "./count-store.ts";
import { PackedList } from "./packed-list.ts";
import { Refusal } from "./refusal.ts";
import { fingerprintOf, type RequestKey } from "./request-key.ts";
import type { Shards } from "./shards.ts";
import { NUMBERS_OF_A_REQUEST } from "./writers.ts";

/** One song of a batch. */
interface Item {
  id: string;
  /** The shard that it is in. */
  at: number;
  /** Where its id is kept as it is packed. */
  packed: number;
  plays: number;
  /** The entry in the open set; 0 until there is one. */
  entry: number;
  /** The plays in the open set before. */
  before: number;
  /** The plays in the folds that are not acknowledged. */
  sealed: number;
}

/** A request that is to be remembered with its answer. */
interface Keyed {
  key: RequestKey;
  fingerprint: number;
}

/** Adds to several songs at one instant, and to one or several only once; see {@linkcode CountStore.addAll}. */
export class Batch {
  readonly #shards: Shards;
  readonly #maxSongs: number;

  constructor(shards: Shards, maxSongs: number) {
    this.#shards = shards;
    this.#maxSongs = maxSongs;
  }

  /** Adds, and has it remembered with `keyed`. */
  add(plays: ReadonlyMap<string, number>, keyed?: Keyed): BatchAddition {
    const packed = new PackedList(plays.size);
    const items: Item[] = [];
    for (const [id, more] of plays) {
      const at = this.#shards.locate(id);
      items.push({
        id,
        at,
        packed: packed.push(this.#shards.id),
        plays: more,
        entry: 0,
        before: 0,
        sealed: 0,
      });
    }
    const touched = shardsOf(items, this.#shards.count);
    for (const at of touched) this.#shards.lock(at);
    try {
      return this.#addLocked(items, packed, keyed);
    } finally {
      for (const at of touched) this.#shards.unlock(at);
    }
  }

  /** Adds what a writer asks for, unless it has been added: then it gives what was answered. */
  addOnce(kind: string, plays: ReadonlyMap<string, number>, key: RequestKey): BatchAddition {
    const { writers } = this.#shards;
    const fingerprint = fingerprintOf(kind, plays);
    for (const id of plays.keys()) this.#shards.locate(id); // refuses those that are too long
    return writers.whileLocked(() => {
      const recalled = writers.recall(key, fingerprint, plays.size);
      if (recalled === undefined) return this.add(plays, { key, fingerprint });
      const { fold, totals } = recalled;
      const counts = Array.from(plays.keys(), (id, n): Entry => [id, totals?.[n] ?? this.#countOf(id)]);
      return { counts, fold };
    });
  }

  #countOf(id: string): number {
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      return this.#shards.sum(at, this.#shards.ring.firstCounted);
    } finally {
      this.#shards.unlock(at);
    }
  }

  #addLocked(items: readonly Item[], packed: PackedList, keyed: Keyed | undefined): BatchAddition {
    const { memory, ring } = this.#shards;
    let songs = 0;
    for (const item of items) songs += Number(this.#look(item, packed));
    if (songs > 0 && !memory.claim(songs, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    if (!this.#makeRoom(items, packed)) {
      memory.unclaim(songs);
      throw Refusal.noMemory();
    }
    const addition = {
      counts: items.map(({ id, sealed, before, plays }): Entry => [id, sealed + before + plays]),
      fold: ring.newest,
    };
    this.#write(items, addition, keyed);
    return addition;
  }

  /** Looks up what a song has, and tells whether it is new. */
  #look(item: Item, packed: PackedList): boolean {
    const { ring, memory, id } = this.#shards;
    packed.load(item.packed, id);
    item.entry = this.#shards.open(item.at).find(id);
    item.before = item.entry === 0 ? 0 : (memory.counts[item.entry] as number);
    let kept = 0;
    if (ring.length > 1) {
      item.sealed = this.#shards.sum(item.at, ring.firstCounted, ring.length - 1);
      kept = this.#shards.sum(item.at, 0, ring.firstCounted);
    }
    const all = kept + item.sealed + item.before;
    if (item.plays > MAX_COUNT - all) throw Refusal.overflow(all, item.plays);
    return item.plays > 0 && all === 0;
  }

  /** Sees to it that writing cannot fail; false if there is no memory for that. Nothing has changed. */
  #makeRoom(items: readonly Item[], packed: PackedList): boolean {
    for (const item of items) {
      if (item.plays === 0 || item.entry !== 0) continue;
      // An entry without plays is as good as none, should there be no memory for one of the others.
      packed.load(item.packed, this.#shards.id);
      item.entry = this.#shards.open(item.at).place(this.#shards.id);
      if (item.entry === 0) return false;
    }
    return this.#shards.journal.begin(items.length + 1 + NUMBERS_OF_A_REQUEST);
  }

  #write(items: readonly Item[], { counts, fold }: BatchAddition, keyed: Keyed | undefined): void {
    const { journal, memory, writers } = this.#shards;
    let all = 0;
    for (const { entry, before, plays } of items) {
      if (plays > 0) journal.note(entry, before + plays);
      all += plays;
    }
    journal.note(memory.playsUnit, (memory.counts[memory.playsUnit] as number) + all);
    if (keyed !== undefined) {
      const answer = { fold, totals: counts.map(([, total]) => total) };
      const write = (unit: number, value: number) => journal.noteOther(unit, value);
      writers.remember(keyed.key, keyed.fingerprint, answer, write);
    }
    journal.commit();
  }
}

/** The shards that songs are in, each once, in ascending order, or else two threads might wait for each other. */
function shardsOf(items: readonly Item[], count: number): number[] {
  if (items.length === 0) return [0]; // of no song at all the ring is asked, which takes a lock
  const sets = new Int32Array(count / 32);
  for (const { at } of items) sets[at >> 5] = (sets[at >> 5] as number) | (1 << (at & 31));
  const shards: number[] = [];
  for (let set = 0; set < sets.length; set++) {
    for (let rest = sets[set] as number; rest !== 0; rest &= rest - 1)
      shards.push(set * 32 + 31 - Math.clz32(rest & -rest));
  }
  return shards;
}
