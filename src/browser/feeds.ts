import type { BrowserDocument, BrowserEvents, BrowserEventSource, BrowserNavigator } from "./dom.ts";
import type { Feed, Watcher } from "./feed.ts";
import type { JoinTabs, Tabs } from "./tabs.ts";

declare const EventSource: new (url: string) => BrowserEventSource;
declare const addEventListener: BrowserEvents;
declare const document: BrowserDocument;
declare const navigator: Pick<BrowserNavigator, "onLine">;

/**
 * Makes the feeds of a page, one for each value of `after`, and returns the function that finds them.
 * `server` is the URL of the play counter, with a slash at its end.
 *
 * A feed polls all of its songs with one request for each 100. Live songs come by a stream instead, which
 * the leader of the tabs has: one `EventSource` for the first 100 songs of all tabs. The leader polls the
 * others. A page that is hidden, offline or left asks for nothing.
 *
 * `GET /play-count.js` sends the source text of this function, so it uses nothing of its module except types.
 */
export function createFeeds(server: string, joinTabs: JoinTabs): (after: string) => Feed {
  const MAX_SONGS = 100;
  const MAX_QUERY_LENGTH = 4000; // proxies take 8 KiB; a longer id has a request of its own
  const SETTLE_MS = 100; // elements that come and go together make one request
  const [OPEN, CLOSED] = [1, 2]; // states of an EventSource
  const feeds = new Map<string, SongFeed>();

  class SongFeed implements Feed {
    readonly #after: string;
    readonly #watchers = new Map<string, Set<Watcher>>();
    readonly #counts = new Map<string, number>();
    /** Songs that the server refuses to read. */
    readonly #refused = new Set<string>();
    #timer: ReturnType<typeof setTimeout> | undefined;
    #tabs: Tabs | undefined;
    #source: BrowserEventSource | undefined;
    #streamed = "";
    #plays = 0;

    constructor(after: string) {
      this.#after = after;
    }

    countOf(song: string): number | undefined {
      return this.#counts.get(song);
    }

    add(song: string, watcher: Watcher): void {
      this.#watchers.set(song, (this.#watchers.get(song) ?? new Set()).add(watcher));
      this.#refused.delete(song);
      watcher.show();
      this.#settle();
    }

    remove(song: string, watcher: Watcher): void {
      this.#watchers.get(song)?.delete(watcher);
      this.#settle();
    }

    played(song: string, count: number): void {
      this.#plays++;
      if (this.#after === "") this.#publish({ [song]: count });
      else this.#settle();
    }

    /** Asks for all counts, and again after the answers and the shortest `refresh`. */
    run(): void {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      for (const [song, { size }] of this.#watchers)
        if (size === 0) for (const known of [this.#watchers, this.#counts, this.#refused]) known.delete(song);
      if (this.#watchers.size === 0 || document.hidden || !navigator.onLine) return this.stop();
      let seconds = Infinity;
      const live: string[] = [];
      const polled: string[] = [];
      for (const [song, those] of this.#watchers) {
        for (const { refreshSeconds } of those) seconds = Math.min(seconds, refreshSeconds);
        if (this.#refused.has(song)) continue;
        ([...those].some(({ isLive }) => isLive) ? live : polled).push(song);
      }
      if (live.length > 0) polled.push(...this.#follow(live));
      else this.#leave();
      void Promise.all(partsOf(polled).map((songs) => this.#poll(songs))).then(() => {
        this.#timer ??= setTimeout(() => this.run(), seconds * (900 + 200 * Math.random()));
      });
    }

    stop(): void {
      clearTimeout(this.#timer);
      this.#leave();
      if (this.#watchers.size === 0 && feeds.get(this.#after) === this) feeds.delete(this.#after);
    }

    #settle(): void {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.run(), SETTLE_MS);
    }

    /** Has live songs streamed. Returns those to poll, because no stream has them at present. */
    #follow(live: string[]): string[] {
      this.#tabs ??= joinTabs(`playcount ${server} ${this.#after}`, {
        hear: (counts) => this.#hear(counts),
        change: () => {
          this.#streamed = "";
          this.#settle();
        },
      });
      this.#tabs.tell(live);
      if (!this.#tabs.isLeader) return [];
      const all = new Set([...live, ...this.#tabs.others]);
      const [first = [], ...others] = partsOf([...all].filter((song) => !this.#refused.has(song)));
      const url = this.#urlOf(first);
      const state = this.#source?.readyState ?? CLOSED;
      if (url === this.#streamed && state !== CLOSED) {
        const isUnknown = (song: string) => this.#watchers.has(song) && !this.#counts.has(song);
        return [...(state === OPEN ? first.filter(isUnknown) : first), ...others.flat()];
      }
      this.#source?.close();
      if (first.length > 0) this.#stream(url, first);
      return others.flat();
    }

    #stream(url: string, songs: string[]): void {
      const source = new EventSource(url);
      let isHeard = false;
      source.addEventListener("counts", ({ data }) => {
        isHeard = true;
        this.#publish(JSON.parse(data));
      });
      // Polls after a refusal. A stream that was cut is opened again by the browser.
      source.addEventListener("error", () => {
        if (!isHeard && source === this.#source) void this.#poll(songs);
        isHeard = true;
      });
      this.#source = source;
      this.#streamed = url;
    }

    #leave(): void {
      this.#tabs?.leave();
      this.#source?.close();
      this.#tabs = this.#source = undefined;
    }

    async #poll(songs: string[]): Promise<void> {
      const plays = this.#plays;
      try {
        // The browser's cache sends If-None-Match. From here, another origin would need a preflight for it.
        const init = { headers: { accept: "application/json" }, signal: AbortSignal.timeout(30_000) };
        const answer = await fetch(this.#urlOf(songs), init);
        const text = await answer.text();
        if (plays !== this.#plays) return this.#settle(); // the answer may be older than that of a play
        if (answer.ok) return this.#publish(JSON.parse(text));
        const isRefused = [400, 414, 431].includes(answer.status);
        if (answer.status === 410) this.#outdate();
        else if (isRefused && songs.length === 1) songs.forEach((song) => this.#refused.add(song));
        else if (isRefused) {
          const middle = songs.length >> 1;
          await Promise.all([this.#poll(songs.slice(0, middle)), this.#poll(songs.slice(middle))]);
        }
      } catch {
        // The server is down: the texts stay, and the next run asks again.
      }
    }

    /** Asks no more for the songs that are watched now, and tells those that watch them. */
    #outdate(): void {
      for (const [song, those] of [...this.#watchers]) {
        if (this.#refused.has(song)) continue;
        this.#refused.add(song);
        those.forEach((watcher) => watcher.outdate());
      }
    }

    /** Shows counts, here and in the other tabs. */
    #publish(counts: Record<string, number>): void {
      this.#tabs?.send(counts);
      this.#hear(counts);
    }

    #hear(counts: Record<string, number>): void {
      for (const [song, count] of Object.entries(counts)) {
        const those = this.#watchers.get(song);
        if (those !== undefined) this.#counts.set(song, count);
        those?.forEach((watcher) => watcher.show());
      }
    }

    #urlOf(songs: string[]): string {
      const query = songs.map((song) => `id=${encodeURIComponent(song)}`).join("&");
      return `${server}?${query}${this.#after && `&after=${encodeURIComponent(this.#after)}`}`;
    }
  }

  /** Divides songs into those of one request each. */
  function partsOf(songs: string[]): string[][] {
    const parts: string[][] = [];
    let room = 0;
    for (const song of songs) {
      const { length } = `&id=${encodeURIComponent(song)}`;
      if (length > room || parts.at(-1)?.length === MAX_SONGS) {
        parts.push([]);
        room = MAX_QUERY_LENGTH;
      }
      parts.at(-1)?.push(song);
      room -= length;
    }
    return parts;
  }

  const runAll = () => feeds.forEach((feed) => feed.run());
  document.addEventListener("visibilitychange", runAll);
  for (const event of ["online", "offline"]) addEventListener(event, runAll);
  addEventListener("pageshow", ({ persisted }) => persisted === true && runAll());
  addEventListener("pagehide", () => feeds.forEach((feed) => feed.stop()));
  return (after) => {
    const feed = feeds.get(after) ?? new SongFeed(after);
    feeds.set(after, feed);
    return feed;
  };
}
