import { settle } from "../config.ts";
import { type CountStore, type Entry, MAX_COUNT, Refusal, type StoreOptions } from "./count-store.ts";
import { highest } from "./highest.ts";

const utf8 = new TextEncoder();

/**
 * Counts in a plain `Map`: the simplest store there is, and the one that the others are compared with.
 *
 * Not for many songs: a song takes over 200 bytes, and a growing map of millions stops the program for half a second.
 */
export class MapStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #maxSongs: number;
  readonly #name: string = crypto.randomUUID();
  readonly #counts = new Map<string, number>();
  #changes = 0;

  /** @throws {RangeError} for a limit that is out of its range. */
  constructor({ maxSongs, maxIdBytes }: StoreOptions = {}) {
    this.#maxSongs = settle("maxSongs", maxSongs);
    this.maxIdBytes = settle("maxIdBytes", maxIdBytes);
  }

  get version(): string {
    return `${this.#name}-${this.#changes}`;
  }

  get(id: string): number {
    this.#checkLength(id);
    return this.#counts.get(id) ?? 0;
  }

  add(id: string, plays: number): number {
    const before = this.get(id);
    if (plays === 0) return before;
    if (plays > MAX_COUNT - before) throw Refusal.overflow(before, plays);
    if (before === 0 && this.#counts.size >= this.#maxSongs) throw Refusal.full(this.#maxSongs);
    this.#counts.set(id, before + plays);
    this.#changes++;
    return before + plays;
  }

  /** One chunk, which is all there is. */
  *entries(): Generator<Iterable<Entry>> {
    yield [...this.#counts];
  }

  top(n: number): Entry[] {
    return highest([this.#counts], n);
  }

  clear(unless?: (version: string) => boolean): boolean {
    if (unless?.(this.version)) return false;
    this.#counts.clear();
    this.#changes++;
    return true;
  }

  #checkLength(id: string): void {
    if (id.length * 3 > this.maxIdBytes && utf8.encode(id).length > this.maxIdBytes) {
      throw Refusal.tooLong(this.maxIdBytes);
    }
  }
}
