import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { lacksBrowser, Tab } from "./browser.ts";
import { Counter, serveFile, serveSite } from "./sites.ts";

setDefaultTimeout(300_000);

const TEXTS = `Array.from(document.querySelectorAll("play-count"), (element) => element.textContent)`;

describe.skipIf(lacksBrowser)("<play-count>, on a page of another origin with a strict policy,", () => {
  test.concurrent(
    "shows counts while plays go on, in the language of the page, and all songs by one request",
    async () => {
      await using counter = new Counter();
      counter.store.add("42", 1234);
      counter.store.add("a/b ä", 12_345_678);
      await using site = serveSite(
        counter,
        `<play-count song="42" refresh="1">1,200</play-count>
<play-count song="42" refresh="1" lang="de"></play-count>
<play-count song="a/b ä" format="compact"></play-count>
<play-count song="42" lang="no such"></play-count>
<play-count song="new" base="1000">1,000</play-count>
<play-count>none</play-count>`,
      );
      using tab = await Tab.open(site.url);
      await tab.until(TEXTS, ["1,234", "1.234", "12M", "1,234", "1,000", "none"]);
      for (let count = 1235; count < 1240; count++) counter.store.add("42", 1);
      await tab.until(`${TEXTS}[0]`, "1,239");
      const [module, first = "", ...others] = counter.requests;
      expect(module).toBe("GET /play-count.js 200");
      expect(first).toBe("GET /?id=42&id=a%2Fb%20%C3%A4&id=new 200");
      expect(others.filter((request) => !request.startsWith(first.slice(0, -4)))).toEqual([]);
      // The cache of the browser asks by the entity tag, also across origins.
      await tab.until(`${TEXTS}[0]`, "1,239");
      while (!counter.requests.some((request) => request.endsWith(" 304"))) await Bun.sleep(50);
      expect(counter.requests.filter((request) => request.startsWith("OPTIONS"))).toEqual([]);
    },
  );

  test.concurrent("keeps its text while the server is down, and goes on when it is back", async () => {
    await using counter = new Counter();
    counter.store.add("1", 5);
    await using site = serveSite(counter, `<play-count song="1" refresh="1">4</play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["5"]);
    await counter.stop();
    await Bun.sleep(2500);
    await tab.until(TEXTS, ["5"]);
    counter.store.add("1", 1);
    counter.start();
    await tab.until(TEXTS, ["6"]);
  });

  test.concurrent(
    "keeps the text that the page was rendered with, without a server or JavaScript",
    async () => {
      await using counter = new Counter();
      await using site = serveSite(counter, `<play-count song="1">1,234</play-count>`);
      using still = await Tab.open("about:blank");
      await still.view.cdp("Emulation.setScriptExecutionDisabled", { value: true });
      await still.view.navigate(site.url);
      const { root } = await still.view.cdp<{ root: { nodeId: number } }>("DOM.getDocument");
      const body = { nodeId: root.nodeId, selector: "play-count" };
      const { nodeId } = await still.view.cdp<{ nodeId: number }>("DOM.querySelector", body);
      const { outerHTML } = await still.view.cdp<{ outerHTML: string }>("DOM.getOuterHTML", { nodeId });
      expect(outerHTML).toBe('<play-count song="1">1,234</play-count>');
      await counter.stop();
      using tab = await Tab.open(site.url);
      await Bun.sleep(300);
      await tab.until(TEXTS, ["1,234"]);
    },
  );

  test.concurrent("adds the row of a database, and keeps its text when the row is too old", async () => {
    await using counter = new Counter();
    counter.store.add("1", 5);
    counter.store.seal(1);
    counter.store.add("1", 2);
    await using site = serveSite(
      counter,
      `<play-count song="1" base="100" after="0" refresh="1">1</play-count>
<play-count song="1" base="105" after="1" refresh="1">1</play-count>`,
    );
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["107", "107"]);
    // A page gets a new row when it is told that its own is too old.
    await tab.view.evaluate(`document.addEventListener("outdated", ({ target }) => {
  window.outdated = (window.outdated ?? 0) + 1;
  if (window.isRenewing) Object.entries({ base: 107, after: 2 }).forEach(([name, value]) => target.setAttribute(name, value));
})`);
    counter.store.acknowledge(1);
    counter.store.seal(2);
    counter.store.acknowledge(2);
    counter.store.add("1", 1);
    await tab.until(TEXTS, ["107", "108"]);
    const isGone = (request: string) => request.endsWith("after=0 410");
    while (!counter.requests.some(isGone)) await Bun.sleep(50);
    await Bun.sleep(2500);
    expect(counter.requests.filter(isGone)).toHaveLength(1);
    expect(await tab.view.evaluate("window.outdated")).toBe(1);
    await tab.view.evaluate(
      `(window.isRenewing = true, document.querySelector("play-count").setAttribute("base", "0"))`,
    );
    await tab.until(TEXTS, ["108", "108"]);
    expect(await tab.view.evaluate("window.outdated")).toBe(2);
  });

  test.concurrent("is not loaded by a page whose policy forbids it, and that is noticed here", async () => {
    await using counter = new Counter();
    const html = `<!doctype html><script src="${counter.url}play-count.js"></script><play-count song="1">1</play-count>`;
    await using site = serveFile(html, { "content-security-policy": "default-src 'none'" });
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["1"]);
    const [first] = tab.problems
      .splice(0)
      .filter((problem) => problem.includes("ContentSecurityPolicyIssue"));
    expect(first).toContain('"violatedDirective":"script-src-elem"');
  });

  test.concurrent("keeps its text on a page of an origin that is not listed", async () => {
    await using counter = new Counter();
    await using site = serveSite(
      counter,
      `<play-count song="1">9</play-count><play-count live song="1">8</play-count>`,
    );
    counter.configure({ corsOrigins: "https://other.example" });
    using tab = await Tab.open(site.url);
    while (!counter.requests.some((request) => request.endsWith("?id=1 403"))) await Bun.sleep(20);
    await Bun.sleep(200);
    expect(await tab.view.evaluate(TEXTS)).toEqual(["9", "8"]);
    // Chromium reports each answer that the page may not read.
    expect(tab.problems.splice(0).filter((problem) => !/CorsIssue|CORS policy/.test(problem))).toEqual([]);
  });

  test.concurrent("plays when it is told, and shows the new count at once", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<play-count song="a/b">0</play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["0"]);
    expect(await tab.view.evaluate(`document.querySelector("play-count").play()`)).toBe(1);
    expect(await tab.view.evaluate(TEXTS)).toEqual(["1"]);
    expect(counter.requests.filter((request) => !request.startsWith("GET"))).toEqual([
      "POST /song/a%2Fb 200",
    ]);
    counter.configure({ idPattern: "[0-9]+", corsOrigins: new URL(tab.view.url).origin });
    const refused = `document.querySelector("play-count").play().catch((error) => error.message)`;
    expect(await tab.view.evaluate(refused)).toStartWith("The play of a/b was refused: 400 Bad Request\n");
  });

  test.concurrent("asks for 100 songs at a time, and a song that is refused holds no other up", async () => {
    await using counter = new Counter();
    const songs = Array.from({ length: 250 }, (_, at) => `song-${at}`);
    for (const song of songs) counter.store.add(song, 7);
    const bad = "x".repeat(600);
    const body = [...songs, bad].map((song) => `<play-count song="${song}">-</play-count>`).join("\n");
    await using site = serveSite(counter, body);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, [...songs.map(() => "7"), "-"]);
    const first = counter.requests.slice(1, 4);
    const lengths = first.map((request) => request.match(/id=/g)?.length);
    expect(lengths.sort()).toEqual([100, 100, 51]);
  });

  test.concurrent(
    "asks for nothing while the page is hidden or offline, and at once when it is not",
    async () => {
      await using counter = new Counter();
      counter.store.add("1", 5);
      await using site = serveSite(counter, `<play-count song="1" refresh="1"></play-count>`);
      using tab = await Tab.open(site.url);
      await tab.until(TEXTS, ["5"]);
      const offline = (isOffline: boolean) =>
        tab.view.cdp("Network.emulateNetworkConditions", {
          offline: isOffline,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: -1,
        });
      for (const pause of [(isHidden: boolean) => tab.hide(isHidden), offline]) {
        await pause(true);
        await counter.quiet();
        counter.store.add("1", 1);
        const shown = String(counter.store.get("1"));
        await pause(false);
        await tab.until(TEXTS, [shown]);
      }
    },
  );

  test.concurrent("goes on in a page from the back/forward cache", async () => {
    await using counter = new Counter();
    counter.store.add("1", 5);
    await using site = serveSite(
      counter,
      `<play-count song="1" refresh="1"></play-count><play-count live song="2"></play-count>`,
    );
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["5", "0"]);
    await tab.view.evaluate(
      `addEventListener("pageshow", ({ persisted }) => (window.isPersisted = persisted))`,
    );
    await tab.view.navigate(`${site.url}next`);
    await tab.until(TEXTS, ["5", "0"]);
    await tab.view.evaluate(`history.back()`);
    await tab.until("window.isPersisted", true);
    counter.store.add("1", 1);
    counter.store.add("2", 1);
    await tab.until(TEXTS, ["6", "1"]);
  });

  test.concurrent("shows live songs by one stream, also when the server was stopped", async () => {
    await using counter = new Counter();
    counter.store.add("1", 5);
    const body = `<play-count live song="1"></play-count><play-count song="1"></play-count><play-count live song="2"></play-count>`;
    await using site = serveSite(counter, body);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["5", "5", "0"]);
    counter.store.add("2", 1);
    await tab.until(TEXTS, ["5", "5", "1"]);
    counter.store.add("1", 1);
    await tab.until(TEXTS, ["6", "6", "1"]);
    expect(counter.streams).toEqual(["GET /?id=1&id=2 200 stream"]);
    await counter.stop();
    counter.store.add("1", 1);
    counter.start();
    await tab.until(TEXTS, ["7", "7", "1"]);
    const end = Date.now() + 60_000;
    while (counter.streams.length < 2 && Date.now() < end) await Bun.sleep(50);
    counter.store.add("1", 1);
    await tab.until(TEXTS, ["8", "8", "1"]);
  });

  test.concurrent("polls live songs while the server has no room for a stream", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<play-count live song="1" refresh="1"></play-count>`);
    counter.configure({ maxStreams: 0, corsOrigins: new URL(site.url).origin });
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["0"]);
    counter.store.add("1", 1);
    await tab.until(TEXTS, ["1"]);
  });

  test.concurrent(
    "has one stream for the live songs of all tabs, which passes on when a tab closes",
    async () => {
      await using counter = new Counter();
      await using site = serveSite(counter, `<play-count live song="1"></play-count>`);
      using first = await Tab.open(site.url);
      await first.until(TEXTS, ["0"]);
      using second = await Tab.open(site.url);
      await second.until(TEXTS, ["0"]);
      await second.view.evaluate(`document.querySelector("play-count").setAttribute("song", "2")`);
      counter.store.add("2", 1);
      await second.until(TEXTS, ["1"]);
      counter.store.add("1", 1);
      await first.until(TEXTS, ["1"]);
      expect(counter.streams).toEqual([
        "GET /?id=1 200 stream",
        "GET /?id=1 200 stream", // for the second tab
        "GET /?id=1&id=2 200 stream",
      ]);
      await first.view.navigate("about:blank");
      counter.store.add("2", 1);
      await second.until(TEXTS, ["2"]);
      expect(counter.streams.at(-1)).toBe("GET /?id=2 200 stream");
    },
  );

  test.concurrent("shows a live count at once after a move, a replacement and other attributes", async () => {
    await using counter = new Counter();
    counter.store.add("1", 12_345);
    await using site = serveSite(counter, `<p></p><play-count live song="1"></play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["12,345"]);
    const change = async (script: string, texts: string[]) => {
      await tab.view.evaluate(
        `(() => { const element = document.querySelector("play-count"); ${script} })()`,
      );
      await Bun.sleep(200); // also after the elements have settled
      expect(await tab.view.evaluate(TEXTS)).toEqual(texts);
    };
    await change(`element.setAttribute("format", "compact")`, ["12K"]);
    await change(`document.querySelector("p").append(element); element.removeAttribute("format")`, [
      "12,345",
    ]);
    await change(
      `const copy = element.cloneNode(); element.remove(); setTimeout(() => document.body.append(copy))`,
      ["12,345"],
    );
    expect(counter.streams).toHaveLength(1);
  });

  test.concurrent("shows a live song that another tab has shown before", async () => {
    await using counter = new Counter();
    for (const [at, song] of ["1", "2", "a,b", "a", "b"].entries()) counter.store.add(song, at + 1);
    await using site = serveSite(counter, `<play-count live song="1"></play-count>`);
    using first = await Tab.open(site.url);
    await first.until(TEXTS, ["1"]);
    using second = await Tab.open(site.url);
    const watch = async (tab: Tab, songs: string[], texts: string[]) => {
      await tab.view.evaluate(`document.body.replaceChildren(...${JSON.stringify(songs)}.map((song) => {
  const element = document.createElement("play-count");
  element.setAttribute("live", "");
  element.setAttribute("song", song);
  return element;
}))`);
      await tab.until(TEXTS, texts);
    };
    await watch(second, ["2"], ["2"]);
    await watch(first, ["1", "2"], ["1", "2"]);
    await watch(first, ["1"], ["1"]);
    await watch(second, ["a,b"], ["3"]);
    await watch(second, ["a", "b"], ["4", "5"]); // not the same list
  });

  test.concurrent("keeps the text of a song that no id is, and shows the others", async () => {
    await using counter = new Counter();
    const body = ["a", "x".repeat(20_000), "b"].map(
      (song) => `<play-count refresh="1" song="${song}">-</play-count>`,
    );
    await using site = serveSite(counter, body.join(""));
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["0", "-", "0"]);
    await tab.view.evaluate(
      `document.querySelectorAll("play-count")[1].setAttribute("song", "Party \\ud83c")`,
    );
    await Bun.sleep(300);
    counter.store.add("b", 1);
    await tab.until(TEXTS, ["0", "-", "1"]);
  });

  test.concurrent("goes on after an answer that comes when its elements have been replaced", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<play-count refresh="1" song="1"></play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["0"]);
    // An answer is held back until another element is there.
    await tab.view.evaluate(`(async () => {
  const { fetch } = window;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const element = document.querySelector("play-count");
  await new Promise((resolve) => {
    window.fetch = async (...request) => {
      window.fetch = fetch;
      resolve();
      const answer = await fetch(...request);
      await pause(500);
      return answer;
    };
  });
  element.remove();
  await pause(200);
  document.body.append(element);
  await pause(2000);
})()`);
    await tab.hide(true);
    await Bun.sleep(1500); // its timer has run out
    counter.store.add("1", 1);
    await tab.hide(false);
    await tab.until(TEXTS, ["1"]);
  });

  test.concurrent("shows the count of a play until a later answer comes", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<play-count refresh="1" song="1"></play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["0"]);
    await tab.view.evaluate(`(() => {
  const { fetch } = window;
  const element = document.querySelector("play-count");
  window.texts = [];
  new MutationObserver(() => texts.push(element.textContent)).observe(element, { childList: true });
  window.fetch = async (...request) => {
    window.fetch = fetch;
    const answer = await fetch(...request);
    await element.play();
    return answer;
  };
})()`);
    await tab.until("texts[0]", "1");
    await Bun.sleep(500);
    expect(await tab.view.evaluate("texts")).toEqual(["1"]);
  });

  test.concurrent("adds a whole number only, and refuses to play what no path names", async () => {
    await using counter = new Counter();
    counter.store.add("1", 5);
    const bases = ["10", "", "-1", "1.5", "1,200", "NaN", "Infinity", "9007199254740987", "9007199254740986"];
    const body = bases.map((base) => `<play-count song="1" base="${base}">-</play-count>`).join("");
    await using site = serveSite(counter, `${body}<play-count song="..">-</play-count>`);
    using tab = await Tab.open(site.url);
    await tab.until(TEXTS, ["15", "5", "-", "-", "-", "-", "-", "-", "9,007,199,254,740,991", "0"]);
    const refused = `document.querySelector("[song='..']").play().catch((error) => error.message)`;
    expect(await tab.view.evaluate(refused)).toBe('No path names the song "..", so it cannot be played');
    expect(counter.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });

  test.concurrent("has a stream for each tab on a page without TLS, which has no locks", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<play-count live song="1"></play-count>`);
    const open = async () => {
      const tab = await Tab.open("about:blank");
      const source = `Object.defineProperty(navigator, "locks", { value: undefined })`;
      await tab.view.cdp("Page.addScriptToEvaluateOnNewDocument", { source });
      await tab.view.navigate(site.url);
      return tab;
    };
    using first = await open();
    using second = await open();
    for (const tab of [first, second]) await tab.until(TEXTS, ["0"]);
    counter.store.add("1", 1);
    for (const tab of [first, second]) await tab.until(TEXTS, ["1"]);
    expect(counter.streams).toEqual(["GET /?id=1 200 stream", "GET /?id=1 200 stream"]);
  });

  test("leaves nothing behind when 1,000 elements have been added and removed", async () => {
    await using counter = new Counter();
    await using site = serveSite(counter, `<div></div>`);
    using tab = await Tab.open(site.url);
    await tab.until(`customElements.get("play-count") !== undefined`, true);
    const round = `(async () => {
  const div = document.querySelector("div");
  for (let n = 0; n < 1000; n++) {
    const element = document.createElement("play-count");
    element.setAttribute("song", "song-" + n);
    div.append(element);
  }
  while (![...div.children].every((element) => element.textContent === "0")) await new Promise((resolve) => setTimeout(resolve, 20));
  div.replaceChildren();
  await new Promise((resolve) => setTimeout(resolve, 200));
})()`;
    const bytes = async () => {
      await tab.view.cdp("HeapProfiler.collectGarbage");
      return (await tab.view.cdp<{ usedSize: number }>("Runtime.getHeapUsage")).usedSize;
    };
    await tab.view.evaluate(round);
    const before = await bytes();
    for (let n = 0; n < 3; n++) await tab.view.evaluate(round);
    expect((await bytes()) - before).toBeLessThan(100_000);
    const { length } = counter.requests;
    expect(length).toBeGreaterThanOrEqual(41);
    await Bun.sleep(300);
    expect(counter.requests).toHaveLength(length);
  });
});
