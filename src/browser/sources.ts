import { defineElement } from "./element.ts";
import { createFeeds } from "./feeds.ts";
import { showLivePage } from "./live-page.ts";
import { joinTabs } from "./tabs.ts";

// A browser gets these scripts as the source texts of functions, as the runtime or a bundler has made them of
// TypeScript. So no build is needed. Texts lack the helpers whose calls a bundler may have added. That with
// which esbuild keeps names, as for wrangler, is replaced here. Private fields must not be lowered.

/** Name of the helper that keeps names. A minifier shortens it, so it is read from a function. */
const [, HELPER = "__name"] =
  /([\w$]+)\([\w$]+, ?"probe"\)/.exec(
    String(() => {
      function probe(): void {}
      return probe;
    }),
  ) ?? [];
const KEEP_NAMES = `const ${HELPER}=(value)=>value;`;

/** Returns the module that defines `<play-count>` for the server that it is loaded from. */
export function elementModule(resource: string): string {
  const server = "new URL('.', import.meta.url).href";
  const define = `(${defineElement})((${createFeeds})(server,${joinTabs}),server,${JSON.stringify(resource)})`;
  return `${KEEP_NAMES}const server=${server};if(!customElements.get("play-count"))${define};`;
}

/** Returns the script of the page for people. */
export function pageScript(resource: string): string {
  return `${KEEP_NAMES}(${showLivePage})(${JSON.stringify(resource)});`;
}
