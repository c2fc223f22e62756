import type { Entry } from "./count-store.ts";
import type { PackedShard } from "./packed-shard.ts";
import { unitsOfEntry, unpackId, wordsOfId } from "./packed-id.ts";

/**
 * A copy of a shard's entries as they were at one instant, to be read after its lock is released.
 *
 * Takes one shard after the other, and no more memory than the largest.
 */
export class ShardCopy {
  #words = new Int32Array(0);
  #counts = new Float64Array(0);
  #bytes = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** Copies a shard whose lock the caller holds, and begins anew. */
  take(shard: PackedShard): void {
    this.#at = 0;
    this.#end = shard.copyTo((units) => this.#room(units));
  }

  /** Gives up to `most` entries more; none if there are no more. */
  next(most: number): Entry[] {
    const entries: Entry[] = [];
    while (entries.length < most && this.#at < this.#end) {
      entries.push([unpackId(this.#bytes, this.#at * 8 + 8), this.#counts[this.#at] as number]);
      this.#skip();
    }
    return entries;
  }

  /** Passes over the entries whose count is below `bar`, and gives the first other one. */
  nextFrom(bar: number): Entry | undefined {
    while (this.#at < this.#end && (this.#counts[this.#at] as number) < bar) this.#skip();
    return this.next(1)[0];
  }

  #skip(): void {
    this.#at += unitsOfEntry(wordsOfId(this.#words[this.#at * 2 + 2] as number));
  }

  #room(units: number): Int32Array {
    if (this.#counts.length < units) {
      this.#counts = new Float64Array(units);
      this.#words = new Int32Array(this.#counts.buffer);
      this.#bytes = new Uint8Array(this.#counts.buffer);
    }
    return this.#words;
  }
}
