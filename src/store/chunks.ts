import type { Chunk, Entry } from "./count-store.ts";
import { readId } from "./packed-id.ts";

/** A chunk without songs, at which a reader lets other work run before it asks for the next one. */
export const PAUSE: Chunk = [];

/** A chunk whose ids are UTF-8, which it decodes only if it is iterated. */
export class Utf8Chunk implements Chunk {
  readonly eachUtf8: NonNullable<Chunk["eachUtf8"]>;

  constructor(eachUtf8: NonNullable<Chunk["eachUtf8"]>) {
    this.eachUtf8 = eachUtf8;
  }

  [Symbol.iterator](): Iterator<Entry> {
    const entries: Entry[] = [];
    this.eachUtf8((bytes, start, end, count) => entries.push([readId(bytes, start, end), count]));
    return entries.values();
  }
}
