/**
 * The element that shows counts on pages, for programs that are bundled. A page without a bundler loads it
 * from the server, at `/play-count.js`.
 *
 * @example
 * ```ts
 * import { definePlayCount, type PlayCountElement } from "playcount/element";
 *
 * if ("customElements" in globalThis) definePlayCount("https://plays.example.com/");
 * const play = (element: PlayCountElement) => element.play();
 * ```
 *
 * @module
 */
import type { ElementRegistry } from "./dom.ts";
import { defineElement } from "./element.ts";
import { createFeeds } from "./feeds.ts";
import { joinTabs } from "./tabs.ts";

export type { PlayCountElement } from "./element.ts";

declare const customElements: ElementRegistry;

/**
 * Defines `<play-count song="42">`, which shows the count of a song. Its text stays as it is until the count
 * is known. docs/pages.md lists the attributes. A second call changes nothing.
 *
 * `server` is the URL of the play counter, and `resource` its setting of the same name.
 *
 * @example
 * ```ts
 * import { definePlayCount } from "playcount/element";
 *
 * if ("customElements" in globalThis) definePlayCount("https://plays.example.com/");
 * ```
 */
export function definePlayCount(server: string | URL, resource = "song"): void {
  if (customElements.get("play-count") !== undefined) return;
  const base = String(server).replace(/\/?$/, "/");
  defineElement(createFeeds(base, joinTabs), base, resource);
}
