import { expect, setDefaultTimeout, test } from "bun:test";
import { blocksOf } from "../docs/support/pages.ts";
import { lacksBrowser, Tab } from "./browser.ts";
import { Counter, serveFile } from "./sites.ts";

setDefaultTimeout(300_000);

const TEXTS = `Array.from(document.querySelectorAll("play-count"), (element) => element.textContent)`;

test.skipIf(lacksBrowser)("the pages in docs/pages.md show counts", async () => {
  const pages = blocksOf("docs/pages.md").filter(({ language }) => language === "html");
  await using counter = new Counter();
  for (const [song, plays] of Object.entries({ "here-comes-the-sun": 1300, imagine: 12_345, "1": 5 }))
    counter.store.add(song, plays);
  const found: unknown[] = [];
  for (const { text } of pages) {
    const html = text.replaceAll("http://localhost:8000/", counter.url);
    const isWhole = html.startsWith("<!doctype html>");
    // A whole page says its character set itself: a server of files, as that of Python, does not.
    await using site = isWhole
      ? serveFile(html, { "content-type": "text/html" })
      : serveFile(`<!doctype html>${html}`);
    counter.configure({ corsOrigins: new URL(site.url).origin });
    using tab = await Tab.open(site.url);
    await tab.until(`customElements.get("play-count") !== undefined`, true);
    await tab.until(
      `Array.from(document.querySelectorAll("play-count")).every(({ count }) => count >= 0)`,
      true,
    );
    expect(await tab.view.evaluate("document.characterSet")).toBe("UTF-8");
    found.push(await tab.view.evaluate(TEXTS));
    if (!text.includes("button")) continue;
    await tab.view.click("button");
    await tab.until(TEXTS, ["1"]);
    counter.store.add("42", 1);
    await tab.until(TEXTS, ["2"]);
  }
  expect(found).toEqual([["0"], ["1,300", "12K"], ["1,205"]]);
});
