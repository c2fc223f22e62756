import { MAPPING_SYNTAX, RANKING_SYNTAX, writeList } from "../../mapping/write.ts";
import type { Entry } from "../../store/count-store.ts";
import type { Events, Reader } from "./reader.ts";
import type { View, WatchedSong } from "./view.ts";

const utf8 = new TextEncoder();

/** Counts that any number of readers watch alike. They get the same bytes. */
export abstract class Topic implements Events {
  readonly name: string;
  readonly readers: Set<Reader> = new Set();
  readonly view: View;
  offered: number;
  /** The last event that was made: nearly all readers get the same one. */
  #event: { since: number; offered: number; bytes: Uint8Array } | undefined;

  /** `look` is the last look that has ended. */
  constructor(name: string, view: View, look: number) {
    this.name = name;
    this.view = view;
    this.offered = look;
  }

  /** Reads everything that the topic has, for a new reader. */
  abstract readAll(look: number): Promise<string>;

  /** Lets the view watch no longer what only this topic has. */
  abstract leave(): void;

  /** Offers the changes of a look. */
  offer(look: number): void {
    if (this.hasChanged()) this.offered = look;
  }

  eventSince(since: number): Uint8Array {
    const { offered } = this;
    if (this.#event?.since !== since || this.#event.offered !== offered)
      this.#event = { since, offered, bytes: eventOf(this.changesSince(since)) };
    return this.#event.bytes;
  }

  /** Returns true if anything has changed since the look that was offered last. */
  protected abstract hasChanged(): boolean;
  protected abstract changesSince(look: number): string;
}

/** Songs by name. */
export class NamedSongs extends Topic {
  readonly #songs: readonly WatchedSong[];

  constructor(name: string, view: View, look: number, ids: readonly string[]) {
    super(name, view, look);
    this.#songs = ids.map((id) => {
      const song = view.songs.get(id) ?? { id, count: NaN, changed: 0, topics: 0 };
      if (song.topics++ === 0) view.songs.set(id, song);
      return song;
    });
  }

  async readAll(): Promise<string> {
    const ids = this.#songs.map(({ id }) => id);
    const counts = await this.view.readCounts(ids);
    for (const [at, song] of this.#songs.entries())
      if (Number.isNaN(song.count)) song.count = counts[at] as number; // no look has read it meanwhile
    return writeList(
      MAPPING_SYNTAX.json,
      ids.map((id, at): Entry => [id, counts[at] as number]),
    );
  }

  leave(): void {
    for (const song of this.#songs) if (--song.topics === 0) this.view.songs.delete(song.id);
  }

  protected hasChanged(): boolean {
    return this.#songs.some(({ changed }) => changed > this.offered);
  }

  protected changesSince(look: number): string {
    const changed = this.#songs.filter((song) => song.changed > look);
    return writeList(
      MAPPING_SYNTAX.json,
      changed.map(({ id, count }): Entry => [id, count]),
    );
  }
}

/** The highest songs. Any change sends all of them. */
export class HighestSongs extends Topic {
  readonly #count: number;
  #highest: readonly Entry[] | undefined;
  #text = "";

  constructor(name: string, view: View, look: number, count: number) {
    super(name, view, look);
    this.#count = count;
    view.rankings++;
  }

  async readAll(look: number): Promise<string> {
    if (this.view.highest === undefined) await this.view.rank(look);
    if (this.#text === "") this.hasChanged(); // later changes are for the next offer, which tells all readers
    return this.#text;
  }

  leave(): void {
    if (--this.view.rankings === 0) this.view.highest = undefined; // no look renews it
  }

  protected hasChanged(): boolean {
    const { highest } = this.view;
    if (highest === undefined || highest === this.#highest) return false;
    this.#highest = highest;
    const before = this.#text;
    this.#text = writeList(RANKING_SYNTAX.json, highest.slice(0, this.#count));
    return this.#text !== before;
  }

  protected changesSince(): string {
    return this.#text;
  }
}

/** Returns an event. JSON has no line ends. */
export function eventOf(json: string, retryMs?: number): Uint8Array {
  const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  return utf8.encode(`${retry}event: counts\ndata: ${json}\n\n`);
}
