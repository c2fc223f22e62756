import { describe, expect, setDefaultTimeout, test } from "bun:test";
import axe from "axe-core";
import { Metrics } from "../../src/mod.ts";
import { lacksBrowser, Tab } from "./browser.ts";
import { Counter } from "./sites.ts";

setDefaultTimeout(300_000);

const text = (id: string) => `document.getElementById(${JSON.stringify(id)}).textContent`;
const rows = (id: string) =>
  `Array.from(document.getElementById(${JSON.stringify(id)}).rows, (row) => Array.from(row.cells, (cell) => cell.textContent))`;
const SONGS = `${rows("songs")}.map(([place, song, plays]) => [place, song, plays])`;

/** A counter with songs, folds and the metrics of a worker. */
function start(): Counter {
  const counter = new Counter();
  const metrics = new Metrics();
  metrics.isServing = true;
  counter.configure({ metrics });
  counter.store.add("a/b ä", 1234);
  counter.store.add("<img src=x onerror=alert(1)>", 5);
  counter.store.seal(17, "plays-to-db");
  counter.store.seal(18);
  return counter;
}

describe.skipIf(lacksBrowser)("The page for people, in Chromium,", () => {
  test.concurrent("shows the figures of the server while plays go on, by a stream", async () => {
    await using counter = start();
    using tab = await Tab.open(counter.url);
    await tab.until(SONGS, [
      ["1", "a/b ä", "1,234"],
      ["2", "<img src=x onerror=alert(1)>", "5"],
    ]);
    await tab.until(text("state"), "healthy"); // songs come by another request
    expect(await tab.view.evaluate(`${rows("folds")}.map(([fold, label]) => [fold, label])`)).toEqual([
      ["17", "plays-to-db"],
      ["18", "–"],
    ]);
    expect(await tab.view.evaluate(`${rows("folds")}[0][2]`)).toMatch(/^\d+ s$/);
    expect(await tab.view.evaluate(text("distinct"))).toBe("2");
    expect(await tab.view.evaluate(text("workers"))).toBe("1");
    expect(await tab.view.evaluate(text("uptime"))).toMatch(/^\d+ s$/);
    expect(await tab.view.evaluate(text("version"))).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await tab.view.evaluate(text("limit"))).toMatch(/^\d\.\d% of [\d.]+ GiB$/);
    for (let n = 0; n < 10; n++) await fetch(`${counter.url}song/new`, { method: "POST", body: "200" });
    await tab.until(`${SONGS}[0]`, ["1", "new", "2,000"]);
    await tab.until(text("plays"), "2,000");
    const reads = () => counter.requests.filter((request) => request.includes("?top=25")).length;
    const before = reads();
    await tab.until(`${rows("songs")}[1][3]`, "0");
    await tab.until(`Number(${rows("songs")}[0][3]) >= 0`, true);
    await tab.until(`document.getElementById("line").getAttribute("points").split(" ").length > 1`, true);
    expect(reads()).toBe(before);
  });

  test.concurrent(
    "polls without a stream, goes without metrics behind a balancer, and says if nothing answers",
    async () => {
      await using counter = start();
      counter.configure({ maxStreams: 0 });
      counter.refused.push("/metrics");
      using tab = await Tab.open(counter.url);
      await tab.until(`${SONGS}[0]`, ["1", "a/b ä", "1,234"]);
      await tab.until(text("state"), "healthy");
      expect(await tab.view.evaluate(text("rate"))).toBe("–");
      counter.store.add("a/b ä", 1);
      await tab.until(`${SONGS}[0]`, ["1", "a/b ä", "1,235"]);
      await counter.stop();
      await tab.until(text("state"), "no answer");
      counter.start();
      await tab.until(text("state"), "healthy");
      const stopping = new AbortController();
      counter.configure({ signal: stopping.signal });
      stopping.abort();
      await tab.until(text("state"), "The server is stopping");
      expect(await tab.view.evaluate(`document.getElementById("health").className`)).toBe("health bad");
    },
  );

  test.concurrent("is paused and resumed by the keyboard, and asks for nothing while hidden", async () => {
    await using counter = start();
    using tab = await Tab.open(counter.url);
    await tab.until(`${SONGS}.length`, 2);
    await tab.view.press("Tab");
    expect(await tab.view.evaluate("document.activeElement.id")).toBe("pause");
    await tab.view.press("Enter");
    await tab.until(text("pause"), "Resume");
    await counter.quiet();
    await tab.view.press("Enter");
    counter.store.add("a/b ä", 1);
    await tab.until(`${SONGS}[0]`, ["1", "a/b ä", "1,235"]);
    await tab.hide(true);
    await counter.quiet();
    counter.store.add("a/b ä", 1);
    await tab.hide(false);
    await tab.until(`${SONGS}[0]`, ["1", "a/b ä", "1,236"]);
  });

  test.concurrent("works below a base path, and tells how to begin", async () => {
    await using counter = new Counter();
    counter.configure({ basePath: "/plays", resource: "video" });
    using tab = await Tab.open(`${counter.url}plays/`);
    await tab.until(text("example"), `curl -X POST ${counter.url}plays/video/1`);
    await tab.until(`document.getElementById("no-songs").hidden`, false);
    await fetch(`${counter.url}plays/video/1`, { method: "POST" });
    await tab.until(SONGS, [["1", "1", "1"]]);
    expect(await tab.view.evaluate(`document.getElementById("no-songs").hidden`)).toBe(true);
    const links = await tab.view.evaluate<string[]>(
      `Array.from(document.querySelectorAll("a"), (link) => link.href).filter((link) => link.startsWith(location.origin))`,
    );
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) expect((await fetch(link)).status, link).toBe(200);
  });

  test.concurrent("is accessible, and as wide as its window, in both themes", async () => {
    await using counter = start();
    counter.store.add(`a-very-long-name-${"x".repeat(300)}`, 9_007_199_254_740);
    using tab = await Tab.open(counter.url);
    await tab.until(`${SONGS}.length`, 3);
    await tab.until(text("state"), "healthy");
    await tab.view.evaluate(`(() => { ${axe.source} })()`);
    const looks = ["light", "dark"].flatMap((theme) => [1280, 390].map((width) => ({ theme, width })));
    for (const { theme, width } of looks) {
      const features = [{ name: "prefers-color-scheme", value: theme }];
      await tab.view.cdp("Emulation.setEmulatedMedia", { features });
      const screen = { width, height: 900, deviceScaleFactor: 1, mobile: width < 500 };
      await tab.view.cdp("Emulation.setDeviceMetricsOverride", screen);
      await tab.until("[innerWidth, document.documentElement.scrollWidth <= innerWidth]", [width, true]);
      expect(await tab.view.evaluate(`matchMedia("(prefers-color-scheme: dark)").matches`)).toBe(
        theme === "dark",
      );
      const { violations } = await tab.view.evaluate<{
        violations: { id: string; nodes: { html: string }[] }[];
      }>(`axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`);
      const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
      expect({ theme, width, found }).toEqual({ theme, width, found: [] });
    }
  });
});
