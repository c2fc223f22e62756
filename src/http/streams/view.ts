import { KeyedMap } from "../../keyed-map.ts";
import type { CountStore, Entry } from "../../store/count-store.ts";
import { MAX_TOP } from "../request/query.ts";

/** A song that is watched by name. It is read once a look, however many streams watch it. */
export interface WatchedSong {
  readonly id: string;
  /** Count of the last look; NaN before the first. */
  count: number;
  /** The look that has found it. */
  changed: number;
  /** Number of topics that have the song. */
  topics: number;
}

/** Songs of one read. Redis refuses too many at once, and in memory they take a tenth of a millisecond. */
const WAVE = 250;

/**
 * The `after` of all streams whose `after` is above the newest sealed fold. They watch the plays of the open
 * fold, until another fold is sealed.
 */
export const AHEAD: number = Number.MAX_SAFE_INTEGER;

/** The counts that streams with the same `after` watch. */
export class View {
  readonly after: number | undefined;
  readonly songs: KeyedMap<WatchedSong> = new KeyedMap();
  /** Number of topics that need the ranking. */
  rankings = 0;
  /** The highest songs; `undefined` before the first ranking, and while no topic needs them. */
  highest: readonly Entry[] | undefined;
  /** The look that found them. */
  ranked = 0;
  /** True if a count has changed since. */
  isRankingStale = false;
  readonly #store: CountStore;
  readonly #newestFold: number;
  #ranking: Promise<void> | undefined;

  constructor(store: CountStore, after: number | undefined) {
    this.#store = store;
    this.#newestFold = store.newestFold;
    this.after = after;
  }

  get isEmpty(): boolean {
    return this.songs.size === 0 && this.rankings === 0;
  }

  /** True if its streams may differ now. */
  get isDivided(): boolean {
    return this.after === AHEAD && this.#store.newestFold !== this.#newestFold;
  }

  /** Reads all songs, and notes the counts that have changed. Calls `pause` with the songs of each wave. */
  async readSongs(look: number, pause: (songs: number) => Promise<void> | undefined): Promise<void> {
    const songs = [...this.songs.values()];
    for (let at = 0; at < songs.length; at += WAVE) {
      const wave = songs.slice(at, at + WAVE);
      const counts = await this.readCounts(wave.map(({ id }) => id));
      for (const [n, song] of wave.entries()) {
        if (song.count === counts[n]) continue;
        song.count = counts[n] as number;
        song.changed = look;
      }
      await pause(wave.length);
    }
  }

  async readCounts(ids: readonly string[]): Promise<readonly number[]> {
    return await this.#store.getAll(ids, this.after);
  }

  /** Ranks all songs. One ranking serves all who wait for it. */
  rank(look: number): Promise<void> {
    this.#ranking ??= this.#rank(look).finally(() => {
      this.#ranking = undefined;
    });
    return this.#ranking;
  }

  async #rank(look: number): Promise<void> {
    this.isRankingStale = false;
    const highest = await this.#store.top(MAX_TOP, this.after);
    if (this.rankings > 0) this.highest = highest;
    this.ranked = look;
  }
}
