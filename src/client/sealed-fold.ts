import { hash, hash64 } from "../hash.ts";
import { readPairs } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { copyOf } from "./slice.ts";

/** A fold of a server. */
export interface FoldOf {
  server: string;
  fold: number;
  signal: AbortSignal | undefined;
}

/** Receives the songs of a fold, in any order. */
interface Listener {
  add(id: string, plays: number): void;
}

/** Totals and digest of a fold. They do not depend on the order of the songs, which a restart may change. */
export class FoldSurvey implements Listener {
  songs = 0;
  plays = 0;
  #low = 0;
  #high = 0;

  add(id: string, plays: number): void {
    const text = textOf(id, plays);
    this.songs++;
    this.plays += plays;
    const [low, high] = hash64(text);
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  /** A 64-bit digest of the songs and plays, as 16 hexadecimal digits. */
  get digest(): string {
    return hex(this.#low) + hex(this.#high);
  }

  /** Returns true if the slice was read from the same songs and plays. */
  fits(slice: Slice): boolean {
    return slice.all === this.songs && slice.sum === this.#low;
  }
}

/** One of `slices` parts of a fold. The hash of a song decides its part. */
export class Slice implements Listener {
  readonly entries: [id: string, plays: number][] = [];
  /** Number of songs in all slices. */
  all = 0;
  /** Sum of the hashes in all slices. */
  sum = 0;
  readonly #at: number;
  readonly #slices: number;

  constructor(at: number, slices: number) {
    this.#at = at;
    this.#slices = slices;
  }

  add(id: string, plays: number): void {
    const word = hash(textOf(id, plays), [0, 0]);
    this.all++;
    this.sum = (this.sum + word) >>> 0;
    if (word % this.#slices === this.#at) this.entries.push([copyOf(id), plays]);
  }
}

/** Reads a fold in chunks; `PUT` seals it first. A retry reads it again, with a new listener. */
export async function readFold<T extends Listener>(
  client: ServerClient,
  method: "GET" | "PUT",
  { server, fold, signal }: FoldOf,
  makeListener: () => T,
): Promise<T> {
  return await client.send(server, { method, path: `folds/${fold}`, signal }, async (answer) => {
    const listener = makeListener();
    await readPairs(answer, (id, plays) => listener.add(id, plays));
    return listener;
  });
}

function textOf(id: string, plays: number): string {
  return `${plays}=${id}`;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
