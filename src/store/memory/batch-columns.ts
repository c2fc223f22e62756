import { PackedId } from "./packed-id.ts";
import type { StoreHandle } from "./store-handle.ts";

/** The songs of a batch, packed once, in columns that can be transferred to another thread. */
export interface PackedBatch {
  /** For each song its hash, followed by its packed id. */
  words: Int32Array<ArrayBuffer>;
  /** The position of a song's hash in `words`. */
  idPositions: Int32Array<ArrayBuffer>;
  plays: Float64Array<ArrayBuffer>;
}

/** Packs batches for a store. */
export class BatchPacker {
  readonly #id: PackedId;
  readonly #maxIdBytes: number;

  constructor({ key, maxIdBytes }: StoreHandle) {
    this.#id = new PackedId(key);
    this.#maxIdBytes = maxIdBytes;
  }

  /** @throws {Refusal} `too long` */
  pack(plays: ReadonlyMap<string, number>): PackedBatch {
    const id = this.#id;
    let words = new Int32Array(plays.size * 8 + 8);
    const batch = { idPositions: new Int32Array(plays.size), plays: new Float64Array(plays.size) };
    let [song, end] = [0, 0];
    for (const [text, more] of plays) {
      id.set(text, this.#maxIdBytes);
      if (end + 1 + id.length > words.length) words = longer(words, 1 + id.length);
      words[end] = id.hash;
      id.copyTo(words, end + 1);
      batch.idPositions[song] = end;
      batch.plays[song++] = more;
      end += 1 + id.length;
    }
    return { words, ...batch };
  }
}

function longer(words: Int32Array, more: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(words.length * 2 + more);
  copy.set(words);
  return copy;
}

/**
 * A packed batch, and the columns that adding it fills in: making an object for each song would take as long
 * as counting it.
 */
export class BatchColumns {
  readonly songCount: number;
  readonly words: Int32Array;
  readonly idPositions: Int32Array;
  readonly plays: Float64Array;
  /** The shard of a song. */
  readonly shards: Int32Array;
  /** The entry in the open set; 0 if none. */
  readonly entries: Int32Array;
  /** The plays in the open set before the batch. */
  readonly before: Float64Array;
  /** The new count of a song. */
  readonly counts: Float64Array;
  /** Songs that are new to the store. */
  added = 0;

  /** `shards` is the number of shards of the store, a power of two. */
  constructor({ words, idPositions, plays }: PackedBatch, shards: number) {
    this.songCount = plays.length;
    this.words = words;
    this.idPositions = idPositions;
    this.plays = plays;
    this.shards = idPositions.map((place) => (words[place] as number) & (shards - 1));
    this.entries = new Int32Array(this.songCount);
    this.before = new Float64Array(this.songCount);
    this.counts = new Float64Array(this.songCount);
  }

  /** Copies the id of a song into `id`. */
  load(song: number, id: PackedId): void {
    const place = this.idPositions[song] as number;
    id.load(this.words, place + 1, this.words[place] as number);
  }
}
