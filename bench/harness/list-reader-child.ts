/**
 * `bun list-reader-child.ts METHOD URL` reads a list of songs as fast as possible, and prints a {@linkcode
 * Listing} as JSON.
 */
import process from "node:process";
import { sharedNow } from "./clock.ts";

/** Totals of a list, and the times of request, headers and last byte, in milliseconds since 1970. */
export interface Listing {
  songs: number;
  plays: number;
  began: number;
  answered: number;
  ended: number;
}

const COMMA = 0x2c;
const EQUALS = 0x3d;
const ZERO = 0x30;

const [method = "", url = ""] = process.argv.slice(2);
console.log(JSON.stringify(await read(method, url)));

async function read(method: string, url: string): Promise<Listing> {
  const counter = new PairCounter();
  const began = sharedNow();
  const { ok, status, body } = await fetch(url, { method });
  const answered = sharedNow();
  if (!ok) throw new Error(`${method} ${url} was answered with ${status}`);
  for await (const bytes of body ?? []) counter.read(bytes);
  return { ...counter.finish(), began, answered, ended: sharedNow() };
}

/** Counts the pairs of `id=count,id=count`, and adds up their counts. */
class PairCounter {
  #songs = 0;
  #plays = 0;
  #count = 0;
  #isInCount = false;

  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === EQUALS) {
        this.#songs++;
        this.#isInCount = true;
      } else if (byte === COMMA) {
        this.#endCount();
      } else if (this.#isInCount) {
        this.#count = this.#count * 10 + byte - ZERO;
      }
    }
  }

  finish(): { songs: number; plays: number } {
    this.#endCount();
    return { songs: this.#songs, plays: this.#plays };
  }

  #endCount(): void {
    this.#plays += this.#count;
    this.#count = 0;
    this.#isInCount = false;
  }
}
