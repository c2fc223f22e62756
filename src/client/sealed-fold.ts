import { hash, hash64 } from "../hash.ts";
import { readMappingPart } from "./answers.ts";
import { PairReader } from "../mapping/read.ts";
import type { ServerClient } from "./server-client.ts";

/** Whose fold it is, and its number. */
export interface FoldOf {
  server: string;
  fold: number;
  signal: AbortSignal | undefined;
}

/** What is told about the songs of a fold, in whichever order they come. */
interface Listener {
  add(id: string, plays: number): void;
}

/**
 * What a fold has, as far as it does not depend on the order: a durable server has another one after each
 * start.
 */
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

  /** 16 hexadecimal digits that are others for any other songs and plays, more or less for certain. */
  get digest(): string {
    return hex(this.#low) + hex(this.#high);
  }

  /** Whether this is what that has. */
  fits(slice: Slice): boolean {
    return slice.all === this.songs && slice.sum === this.#low;
  }
}

/** Those songs of a fold that one of so many slices has, whichever order they come in. */
export class Slice implements Listener {
  readonly entries: [id: string, plays: number][] = [];
  /** Songs of all slices. */
  all = 0;
  /** Of what all slices have. */
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

/**
 * Reads all of a fold, piece by piece: `PUT` seals it before. If it breaks off, it is read again from the
 * beginning, to another listener.
 */
export async function readFold<T extends Listener>(
  client: ServerClient,
  method: "GET" | "PUT",
  { server, fold, signal }: FoldOf,
  makeListener: () => T,
): Promise<T> {
  return await client.read(server, { method, path: `folds/${fold}`, signal }, async (response, goOn) => {
    const listener = makeListener();
    const pairs = new PairReader((id, plays) => listener.add(id, plays));
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
      goOn();
      readMappingPart(server, () => pairs.push(decoder.decode(piece?.value, { stream: true })));
    }
    readMappingPart(server, () => pairs.finish());
    return listener;
  });
}

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The same characters in memory of their own: a part of a text keeps all of that, and so a few songs the
 * whole fold.
 */
function copyOf(id: string): string {
  return fromUtf8.decode(toUtf8.encode(id));
}

function textOf(id: string, plays: number): string {
  return `${plays}=${id}`;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
