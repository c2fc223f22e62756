/** Songs of a part of a fold, with their plays. */
export type SongPlays = [id: string, plays: number][];

/** Bytes of which a number is exact. */
const KEY_BYTES = 6;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The songs of a fold, packed: the ids in one array of bytes. A million songs take about 35 MB.
 *
 * The order of a fold is not stable, as a server may list it in another order after a restart. So progress is
 * recorded by id, in the order of their bytes. That order holds whatever becomes of the target's columns.
 */
export class FoldSongs {
  #songs = 0;
  #bytes = new Uint8Array(2 ** 16);
  /** The first byte of each id, and after the last one the end. */
  readonly #starts = [0];
  readonly #counts: number[] = [];
  #order: Uint32Array | undefined;

  /** The number of songs. One that was added twice, from two servers, is one song. */
  get size(): number {
    return this.#sorted().length;
  }

  /** The sum of the plays; above 2^53 the nearest double. */
  get plays(): number {
    return this.#counts.slice(0, this.#songs).reduce((sum, plays) => sum + plays, 0);
  }

  /** Adds plays of a song. */
  add(id: string, plays: number): void {
    this.#order = undefined;
    this.#write(id);
    this.#counts[this.#songs++] = plays;
  }

  /** The number of additions, for {@linkcode backTo}. */
  get length(): number {
    return this.#songs;
  }

  /** Takes back all additions but the first `length`. Nothing was read since. */
  backTo(length: number): void {
    this.#songs = length;
  }

  /**
   * Yields the sorted songs after `after` in parts of `size`; at least one part, which may be empty.
   * `start` is the number of songs before the part. A part of several songs has at most `maxBytes` as JSON.
   */
  *parts(
    size: number,
    after?: string,
    maxBytes: number = Infinity,
  ): Generator<{ songs: SongPlays; start: number; isLast: boolean }> {
    const order = this.#sorted();
    if (after !== undefined) this.#write(after);
    let at = after === undefined ? 0 : order.findIndex((song) => this.#compare(song, this.#songs) > 0);
    if (at === -1) at = order.length;
    do {
      const start = at;
      let bytes = 0;
      for (; at < order.length && at - start < size; at++) {
        bytes += this.#maxJsonBytesOf(order[at] as number);
        if (bytes > maxBytes && at > start) break;
      }
      const part = Array.from(order.subarray(start, at));
      const songs = part.map((song): SongPlays[number] => [this.#idOf(song), this.#counts[song] as number]);
      yield { songs, start, isLast: at === order.length };
    } while (at < order.length);
  }

  /** Sorts and sums the songs, if some were added since. */
  #sorted(): Uint32Array {
    if (this.#order !== undefined) return this.#order;
    const order = new Uint32Array(this.#songs).map((_, song) => song);
    const keys = this.#sortKeys();
    order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || this.#compare(a, b));
    let songs = 0;
    for (const song of order) {
      const last = order[songs - 1];
      if (last === undefined || this.#compare(last, song) !== 0) order[songs++] = song;
      else {
        // Two servers may have 2^53 - 1 plays of a song each. Such a sum is rounded to a multiple of 2.
        this.#counts[last] = (this.#counts[last] as number) + (this.#counts[song] as number);
        this.#counts[song] = 0;
      }
    }
    return (this.#order = order.subarray(0, songs));
  }

  /**
   * Returns a number for each song: the bytes of its id after those with which all ids begin. In most folds
   * few ids have to be compared by more.
   */
  #sortKeys(): Float64Array {
    const [bytes, starts] = [this.#bytes, this.#starts];
    let same = starts[1] ?? 0; // bytes that all ids begin with
    for (let song = 1; song < this.#songs; song++) {
      const [start, end] = [starts[song]!, starts[song + 1]!];
      const most = Math.min(same, end - start);
      for (same = 0; same < most && bytes[start + same] === bytes[same];) same++;
    }
    return new Float64Array(this.#songs).map((_, song) => {
      let key = 0;
      for (let at = starts[song]! + same, bound = at + KEY_BYTES; at < bound; at++)
        key = key * 256 + (at < starts[song + 1]! ? bytes[at]! : 0);
      return key;
    });
  }

  /** Writes an id after those of all songs. */
  #write(id: string): void {
    const start = this.#starts[this.#songs] as number;
    while (this.#bytes.length - start < id.length * 3) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#starts[this.#songs + 1] = start + utf8.encodeInto(id, this.#bytes.subarray(start)).written;
  }

  /** A control character of an id is six bytes of JSON. Number, quotes, brackets and commas are up to 22. */
  #maxJsonBytesOf(song: number): number {
    return 6 * ((this.#starts[song + 1] as number) - (this.#starts[song] as number)) + 22;
  }

  #idOf(song: number): string {
    return text.decode(this.#bytes.subarray(this.#starts[song], this.#starts[song + 1]));
  }

  /** The order of UTF-8 is that of code points, of `COLLATE "C"`, `utf8mb4_nopad_bin` and `BINARY`. */
  #compare(a: number, b: number): number {
    const bytes = this.#bytes;
    const from = this.#starts[a] as number;
    const end = this.#starts[a + 1] as number;
    const other = this.#starts[b] as number;
    const otherEnd = this.#starts[b + 1] as number;
    const byLength = end - from - (otherEnd - other);
    const both = Math.min(end - from, otherEnd - other);
    for (let at = 0; at < both; at++) {
      const order = (bytes[from + at] as number) - (bytes[other + at] as number);
      if (order !== 0) return order;
    }
    return byLength;
  }
}
