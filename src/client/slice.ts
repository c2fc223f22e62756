import { quoted } from "../error-message.ts";
import { hash, type HashKey } from "../hash.ts";

/** Largest number of slices. */
const MAX_SLICES = 2 ** 20;

/** Selects slice `at` of `of` slices of all songs, by a hash with `key`. `of` is a power of two. */
export interface SliceOptions {
  at: number;
  of: number;
  key: HashKey;
  /** Maximum number of songs. While there are more, `of` is doubled. */
  maxSongs: number;
}

/** Songs of a mapping, in its order. Default: all of them. */
export class Slice {
  counts: Map<string, number> = new Map();
  readonly #options: SliceOptions;

  constructor(options: Partial<SliceOptions> = {}) {
    this.#options = { at: 0, of: 1, key: [0, 0], maxSongs: Infinity, ...options };
  }

  get of(): number {
    return this.#options.of;
  }

  /**
   * Adds a song, if it is in this slice.
   *
   * @throws {SyntaxError} for a song that was added before.
   */
  add(id: string, count: number): void {
    const { at, of, key, maxSongs } = this.#options;
    if (of > 1 && hash(id, key) % of !== at) return;
    if (this.counts.has(id)) throw new SyntaxError(`Cannot read a mapping: ${quoted(id)} is listed twice`);
    this.counts.set(of > 1 ? copyOf(id) : id, count);
    if (this.counts.size > maxSongs && of < MAX_SLICES) this.divide(of * 2);
  }

  /** Keeps only the songs that are in this slice of `of` slices. */
  divide(of: number): void {
    const { counts } = this;
    this.counts = new Map();
    this.#options.of = of;
    for (const [id, count] of counts) this.add(id, count);
  }
}

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Copies an id into memory of its own, because a substring keeps the whole text in memory. */
export function copyOf(id: string): string {
  return fromUtf8.decode(toUtf8.encode(id));
}
