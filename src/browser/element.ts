import type { BrowserElement, ElementRegistry } from "./dom.ts";
import type { Feed, Watcher } from "./feed.ts";

declare const HTMLElement: new () => BrowserElement;
declare const customElements: ElementRegistry;

/** A `<play-count>` element. */
export interface PlayCountElement {
  /** The shown count, `base` included; `undefined` until it is known. */
  readonly count: number | undefined;
  /**
   * Counts a play, also while the page is being left, and returns the song's new count on the server.
   *
   * @throws {Error} if the play is refused, or the server cannot be reached.
   */
  play(): Promise<number>;
}

/**
 * Defines `<play-count>`. `server` is the URL of the play counter, with a slash at its end.
 *
 * `GET /play-count.js` sends the source text of this function, so it uses nothing of its module except types.
 */
export function defineElement(feedOf: (after: string) => Feed, server: string, resource: string): void {
  const SONG = /^\P{Cs}{1,4096}$/u; // no id is longer, or has half of a pair of surrogates
  const formats = new Map<string, Intl.NumberFormat>();

  class PlayCount extends HTMLElement implements PlayCountElement, Watcher {
    static observedAttributes = ["song", "after", "base", "format", "live", "refresh"];
    #feed: Feed | undefined;
    #song = "";

    connectedCallback(): void {
      this.attributeChangedCallback();
    }

    disconnectedCallback(): void {
      this.#feed?.remove(this.#song, this);
      this.#feed = undefined;
    }

    attributeChangedCallback(): void {
      this.disconnectedCallback();
      this.#song = this.getAttribute("song") ?? "";
      if (!this.isConnected || !SONG.test(this.#song)) return;
      this.#feed = feedOf(this.getAttribute("after") ?? "");
      this.#feed.add(this.#song, this);
    }

    get isLive(): boolean {
      return this.hasAttribute("live");
    }

    get refreshSeconds(): number {
      const seconds = Number(this.getAttribute("refresh"));
      return seconds > 0 ? Math.min(Math.max(1, seconds), 86_400) : 10;
    }

    get count(): number | undefined {
      const base = Number(this.getAttribute("base"));
      const sum = base + (this.#feed?.countOf(this.#song) ?? NaN);
      return base >= 0 && Number.isSafeInteger(sum) ? sum : undefined;
    }

    show(): void {
      const { count } = this;
      if (count === undefined) return;
      const lang = this.closest("[lang]")?.getAttribute("lang") ?? "";
      const text = formatOf(lang, this.getAttribute("format") === "compact").format(count);
      if (this.textContent !== text) this.textContent = text;
    }

    outdate(): void {
      this.dispatchEvent(new Event("outdated", { bubbles: true }));
    }

    async play(): Promise<number> {
      const [feed, song] = [this.#feed, this.getAttribute("song") ?? ""];
      if (/^\.{0,2}$/.test(song)) throw new Error(`No path names the song "${song}", so it cannot be played`);
      const url = `${server}${resource}/${encodeURIComponent(song)}`;
      const headers = { accept: "text/plain" };
      const answer = await fetch(url, { method: "POST", keepalive: true, headers });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`The play of ${song} was refused: ${answer.status} ${text}`);
      feed?.played(song, Number(text));
      return Number(text);
    }
  }

  function formatOf(lang: string, isCompact: boolean): Intl.NumberFormat {
    const key = `${lang} ${isCompact}`;
    let format = formats.get(key);
    if (format === undefined) {
      const options = { notation: isCompact ? "compact" : "standard" } as const;
      try {
        format = new Intl.NumberFormat(lang || undefined, options);
      } catch {
        format = new Intl.NumberFormat(undefined, options); // the language of the page is no valid tag
      }
      formats.set(key, format);
    }
    return format;
  }

  customElements.define("play-count", PlayCount);
}
