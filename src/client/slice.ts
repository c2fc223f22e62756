import { quoted } from "../error-message.ts";
import { hash, type HashKey } from "../hash.ts";

/** Largest number of slices. */
const MAX_SLICES = 2 ** 20;

/** Selects slice `at` of `sliceCount` slices of all songs, by a hash with `key`. */
export interface SliceOptions {
  at: number;
  /** A power of two. */
  sliceCount: number;
  key: HashKey;
  /** Maximum number of songs. While there are more, `sliceCount` is doubled. */
  maxSongs: number;
}

/** Songs of a mapping, in its order. Default: all of them. */
export class SongSlice {
  counts: Map<string, number> = new Map();
  readonly #options: SliceOptions;

  constructor(options: Partial<SliceOptions> = {}) {
    this.#options = { at: 0, sliceCount: 1, key: [0, 0], maxSongs: Infinity, ...options };
  }

  get sliceCount(): number {
    return this.#options.sliceCount;
  }

  /**
   * Adds a song, if it is in this slice.
   *
   * @throws {SyntaxError} for a song that was added before.
   */
  add(id: string, count: number): void {
    const { at, sliceCount, key, maxSongs } = this.#options;
    if (sliceCount > 1 && hash(id, key) % sliceCount !== at) return;
    if (this.counts.has(id)) throw new SyntaxError(`Cannot read a mapping: ${quoted(id)} is listed twice`);
    this.counts.set(sliceCount > 1 ? copyOf(id) : id, count);
    if (this.counts.size > maxSongs && sliceCount < MAX_SLICES) this.divide(sliceCount * 2);
  }

  /** Keeps only the songs that are in this slice of `sliceCount` slices. */
  divide(sliceCount: number): void {
    const { counts } = this;
    this.counts = new Map();
    this.#options.sliceCount = sliceCount;
    for (const [id, count] of counts) this.add(id, count);
  }
}

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Copies an id into memory of its own, because a substring keeps the whole text in memory. */
export function copyOf(id: string): string {
  return fromUtf8.decode(toUtf8.encode(id));
}
