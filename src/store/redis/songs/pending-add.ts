import type { AdmissionLimit } from "../limits.ts";

/** One question about one song. */
export class PendingCall<T> {
  readonly shard: number;
  readonly id: string;
  /** How many plays are added, say. */
  readonly argument: number;
  tries = 0;
  /** Whether it has to be asked by itself. */
  isAlone = false;
  readonly #waiting: AdmissionLimit;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    song: { shard: number; id: string; argument: number; waiting: AdmissionLimit },
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.shard = song.shard;
    this.id = song.id;
    this.argument = song.argument;
    this.#waiting = song.waiting;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    this.#waiting.leave(1);
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#waiting.leave(1);
    this.#reject(error);
  }
}

/** All that is asked of one song in one script. */
export interface PendingSong<T> {
  readonly shard: number;
  readonly id: string;
  /** That of its items, all together. */
  argument: number;
  readonly items: PendingCall<T>[];
}

/**
 * Puts items of the same song together: one that everybody plays costs no more than any other. `together` gives the
 * argument of two, if they can be asked together.
 */
export function gather<T>(
  items: readonly PendingCall<T>[],
  together: (one: number, other: number) => number | undefined,
): PendingSong<T>[] {
  const songs: PendingSong<T>[] = [];
  const byId = new Map<string, PendingSong<T>>();
  for (const item of items) {
    const { shard, id, argument, isAlone } = item;
    const known = isAlone ? undefined : byId.get(id);
    const both = known && together(known.argument, argument);
    if (known !== undefined && both !== undefined) {
      known.argument = both;
      known.items.push(item);
      continue;
    }
    const song = { shard, id, argument, items: [item] };
    songs.push(song);
    if (!isAlone) byId.set(id, song);
  }
  return songs;
}
