import { delay, onAbort } from "../../async/timing.ts";
import { KeyedMap } from "../../keyed-map.ts";
import type { CountStore } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { Pace } from "./pace.ts";
import { Reader } from "./reader.ts";
import { eventOf, HighestSongs, NamedSongs, type Topic } from "./topics.ts";
import { AHEAD, View } from "./view.ts";

/** Time between the starts of two looks, unless a look takes longer. */
const LOOK_MS = 250;
/** Least pause after a look, as a multiple of the time that it took: streams take half of a core at most. */
const REST = 1.25;
/** A ranking reads all songs: it may take a twentieth of the time. */
const RANKING_REST = 20;

/** Work of writing an event, compared with reading a song. */
const EVENT_WORK = 40;

type StreamSettings = Pick<Settings, "maxStreams" | "maxStreamSongs" | "streamSeconds" | "streamIdleSeconds">;

/** Counts to watch: of songs by name, or the highest ones. */
export interface Watch {
  songs: readonly string[] | { top: number };
  after: number | undefined;
}

/** Milliseconds after which a client comes back to a server that has no room. */
const FULL_RETRY_MS = 60_000;

/**
 * The streams of one thread.
 *
 * A stream has state, not events: first all counts, then those that have changed, each the latest. So a play
 * does nothing for streams, and waits for none. While streams are open, a look every 250 ms asks the store
 * for its version. If that has changed, the look reads each watched song once, and numbers the counts that
 * have changed. A reader knows the look of its last event. When its client has read that, it writes what has
 * changed since. A client that does not read costs one event that waits, and is cut off after a time.
 *
 * Looks and writes are divided into slices, so that other requests wait for about a millisecond. A look that
 * takes long delays the next one. Counts of other threads and servers come with the next look, too. While the
 * store is unavailable, streams stay open, and each look tries again. A count may be sent twice.
 */
export class Streams {
  readonly #store: CountStore;
  readonly #settings: StreamSettings;
  readonly #metrics: Metrics;
  readonly #signal: AbortSignal | undefined;
  readonly #views: KeyedMap<View> = new KeyedMap();
  readonly #topics: KeyedMap<Topic> = new KeyedMap();
  /** The last look that has ended. */
  #look = 0;
  /** The version of the last look; empty if the next one has to read in any case. */
  #version = "";
  #rankNotBefore = 0;
  #lastRanked: View | undefined;
  #isWatching = false;

  /** `signal` ends all streams. */
  constructor(
    store: CountStore,
    settings: StreamSettings,
    metrics: Metrics,
    signal: AbortSignal | undefined,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#metrics = metrics;
    this.#signal = signal;
    if (signal !== undefined) onAbort(signal, () => this.#endAll());
  }

  /**
   * Opens a stream. Past a limit, while the server stops, or if the store is unavailable, returns the whole
   * text of a stream that ends at once: a browser does not come back after an error.
   *
   * @throws {Refusal} as `get` of the store does, unless it is `unavailable`.
   */
  async open(asked: Watch): Promise<ReadableStream<Uint8Array> | string> {
    const watch = (asked.after ?? 0) > this.#store.newestFold ? { ...asked, after: AHEAD } : asked;
    if (this.#isFull(watch)) return `retry: ${FULL_RETRY_MS}\n\n`;
    const topic = this.#topicOf(watch);
    const { streamSeconds, streamIdleSeconds } = this.#settings;
    const now = performance.now();
    const reader = new Reader(topic, topic.offered, {
      endsAt: now + streamSeconds * 1000 * (0.8 + 0.4 * Math.random()),
      idleMs: streamIdleSeconds * 1000,
      onEnd: (ended) => this.#forget(topic, ended),
    });
    topic.readers.add(reader);
    this.#metrics.countStream(1);
    try {
      const first = await topic.readAll(this.#look);
      if (!this.#signal?.aborted) {
        void this.#watch();
        return reader.open(eventOf(first, retryMs()), now);
      }
    } catch (error) {
      if (!isUnavailable(error)) {
        reader.cancel();
        throw error;
      }
    }
    reader.cancel();
    return `retry: ${retryMs()}\n\n`;
  }

  #isFull({ songs, after }: Watch): boolean {
    const { maxStreams, maxStreamSongs } = this.#settings;
    if (this.#metrics.streams >= maxStreams) return true;
    if ("top" in songs) return false;
    const view = this.#views.get(String(after));
    const added = songs.filter((id) => view?.songs.has(id) !== true).length;
    return this.#views.values().reduce((sum, { songs: { size } }) => sum + size, added) > maxStreamSongs;
  }

  #topicOf({ songs, after }: Watch): Topic {
    // No id is empty or has U+0000.
    const name = `${after} ${"top" in songs ? `\0${songs.top}` : songs.join("\0")}`;
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const view = this.#views.get(String(after)) ?? new View(this.#store, after);
    this.#views.set(String(after), view);
    const topic =
      "top" in songs
        ? new HighestSongs(name, view, this.#look, songs.top)
        : new NamedSongs(name, view, this.#look, songs);
    this.#topics.set(name, topic);
    this.#version = ""; // the next look reads its songs again: they may change while they are read first
    return topic;
  }

  #forget(topic: Topic, reader: Reader): void {
    if (!topic.readers.delete(reader)) return;
    this.#metrics.countStream(-1);
    if (topic.readers.size > 0) return;
    this.#topics.delete(topic.name);
    topic.leave();
    if (topic.view.isEmpty) this.#views.delete(String(topic.view.after));
  }

  #endAll(view?: View): void {
    for (const topic of [...this.#topics.values()])
      if (view === undefined || topic.view === view) for (const reader of topic.readers) reader.end();
  }

  /** Looks at the counts while streams are open. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for (let pauseMs = LOOK_MS; this.#topics.size > 0;) {
      await delay(pauseMs);
      const startedAt = performance.now();
      const pace = new Pace();
      await this.#read(this.#look + 1, pace);
      await this.#offer(++this.#look, pace);
      const tookMs = performance.now() - startedAt;
      pauseMs = Math.max(LOOK_MS - tookMs, tookMs * REST);
    }
    this.#isWatching = false;
  }

  async #read(look: number, pace: Pace): Promise<void> {
    try {
      const version = await this.#store.version;
      if (version !== this.#version) {
        this.#version = version;
        for (const view of [...this.#views.values()]) {
          if (view.isDivided) this.#endAll(view);
          view.isRankingStale = true;
          await this.#readView(view, () => view.readSongs(look, (songs) => pace.pauseAfter(songs)));
        }
      }
      const now = performance.now();
      const stale = this.#views.values().filter((view) => view.rankings > 0 && view.isRankingStale);
      stale.sort((a, b) => a.ranked - b.ranked);
      // Any number of views with `after` takes every second turn only.
      const next = stale.find((view) => view.after === undefined && view !== this.#lastRanked) ?? stale[0];
      if (next === undefined || now < this.#rankNotBefore) return;
      this.#lastRanked = next;
      await this.#readView(next, () => next.rank(look));
      this.#rankNotBefore = performance.now() + (performance.now() - now) * RANKING_REST;
    } catch (error) {
      if (!isUnavailable(error)) console.error(error);
      this.#version = "";
    }
  }

  /** Reads a part of a view. Ends its streams if a fold that they need was dropped. */
  async #readView(view: View, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof Refusal && error.reason === "gone")) throw error;
      this.#endAll(view);
    }
  }

  async #offer(look: number, pace: Pace): Promise<void> {
    for (const topic of [...this.#topics.values()]) {
      topic.offer(look);
      // Each `await` also lets the runtime send what was written, so that the time of a slice includes it.
      for (const reader of topic.readers)
        await pace.pauseAfter(reader.tend(performance.now()) ? EVENT_WORK : 1);
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.reason === "unavailable";
}

/** Milliseconds after which a client comes back, so that the clients of a server do not come at once. */
function retryMs(): number {
  return 1000 + Math.floor(Math.random() * 4000);
}
