import { describe, setDefaultTimeout, test } from "bun:test";
import { RUNTIMES } from "../conformance/runtimes.ts";
import { lacksBrowser, Tab } from "./browser.ts";
import { serveFile } from "./sites.ts";

setDefaultTimeout(300_000);

/** One of each runtime: their texts of the scripts differ. */
const MAIN = RUNTIMES.filter(({ waits, isSkipped }) => waits !== true && isSkipped !== true);

describe.skipIf(lacksBrowser)("In Chromium, with a server on", () => {
  test.concurrent.each(MAIN)("$name, the page for people and an element are live", async ({ start }) => {
    const served = Promise.withResolvers<string>();
    await using site = serveFile(served.promise);
    const { origin, stop } = await start({ PLAYCOUNT_CORS_ORIGINS: new URL(site.url).origin });
    try {
      served.resolve(
        `<!doctype html><script type="module" src="${origin}/play-count.js"></script><play-count song="1" live></play-count>`,
      );
      using element = await Tab.open(site.url);
      using page = await Tab.open(origin);
      for (const count of ["1", "2"]) {
        await fetch(`${origin}/song/1`, { method: "POST" });
        await element.until(`document.querySelector("play-count").textContent`, count);
        await page.until(`document.querySelector("#songs tr")?.cells[2].textContent`, count);
      }
      await page.until(`document.getElementById("state").textContent`, "healthy");
    } finally {
      await stop();
    }
  });
});
