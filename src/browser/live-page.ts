import type { BrowserDocument, BrowserEvents, BrowserEventSource, PageElement } from "./dom.ts";

declare const EventSource: new (url: string) => BrowserEventSource;
declare const addEventListener: BrowserEvents;
declare const document: BrowserDocument;
declare const location: { readonly href: string };

/**
 * Fills the page for people in, and keeps it fresh: the most played songs by a stream, or by polls while
 * that is not open, and everything else by polls. A page that is hidden or paused asks for nothing.
 *
 * The page contains the source text of this function, so it uses nothing of its module except types.
 */
export function showLivePage(resource: string): void {
  const TICK_MS = 2000;
  const RATE_TICKS = 5; // the rate of a song is that of ten seconds
  const CHART_TICKS = 90;
  const TOP = "?top=25";
  const UNITS = Object.entries({ d: 86_400, h: 3600, min: 60, s: 1 });

  interface Song {
    id: string;
    count: number;
  }

  const number = new Intl.NumberFormat("en");
  const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const rates: number[] = [];
  const samples: { at: number; counts: Map<string, number> }[] = [];
  let songs: Song[] = [];
  let last: { at: number; plays: number } | undefined;
  let source: BrowserEventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isPaused = false;

  function find(id: string): PageElement {
    return document.getElementById(id) as PageElement;
  }

  function set(element: PageElement | undefined, text: string): void {
    if (element !== undefined && element.textContent !== text) element.textContent = text;
  }

  function make(tag: string, className: string): PageElement {
    const element = document.createElement(tag);
    element.className = className;
    return element;
  }

  /** Fills a table body in, and returns its rows. A cell without a text stays as it is. */
  function fill(id: string, rows: (string | undefined)[][], classes: string[]): ArrayLike<PageElement> {
    const body = find(id);
    while (body.children.length > rows.length) body.lastElementChild?.remove();
    while (body.children.length < rows.length) {
      const row = make("tr", "");
      for (const name of classes) row.append(make("td", name));
      body.append(row);
    }
    for (const [at, texts] of rows.entries()) {
      for (const [column, text] of texts.entries())
        if (text !== undefined) set(body.children[at]?.children[column], text);
    }
    find(`no-${id}`).toggleAttribute("hidden", rows.length > 0);
    return body.children;
  }

  function span(seconds: number): string {
    const at = UNITS.findIndex(([, length]) => seconds >= length);
    const [name, length] = UNITS[at] ?? ["s", 1];
    const [nextName, nextLength] = UNITS[at + 1] ?? ["", Infinity];
    const rest = Math.floor((seconds % length) / nextLength);
    return `${Math.floor(seconds / length)} ${name}${at < 0 || rest === 0 ? "" : ` ${rest} ${nextName}`}`;
  }

  function bytes(value: number): string {
    return value >= 2 ** 30 ? `${short.format(value / 2 ** 30)} GiB` : `${short.format(value / 2 ** 20)} MiB`;
  }

  function rateOf({ id, count }: Song): string {
    const oldest = samples.find(({ counts }) => counts.has(id));
    const before = oldest?.counts.get(id) ?? 0;
    const seconds = (performance.now() - (oldest?.at ?? Infinity)) / 1000;
    return seconds < 1 ? "–" : short.format(Math.max(0, count - before) / seconds);
  }

  /** Shows the songs, and their rates at each tick. A song that has another place gets its rate at once. */
  function showSongs(top: Song[], isTick: boolean): void {
    const rows = top.map((song, at) => {
      const rate = isTick || songs[at]?.id !== song.id ? rateOf(song) : undefined;
      return [`${at + 1}`, song.id, number.format(song.count), rate];
    });
    songs = top;
    const shown = fill("songs", rows, ["rank", "song", "number", "number rate"]);
    for (const [at, { id, count }] of top.entries()) {
      const cell = shown[at]?.children[1];
      cell?.style?.setProperty("--share", `${(100 * count) / (top[0]?.count ?? 1)}%`);
      cell?.setAttribute("title", id);
    }
  }

  function showRate(plays: number): void {
    const at = performance.now();
    if (last !== undefined) rates.push((1000 * Math.max(0, plays - last.plays)) / (at - last.at));
    last = { at, plays };
    if (rates.length > CHART_TICKS) rates.shift();
    const peak = Math.max(...rates, 0);
    const step = 100 / Math.max(rates.length - 1, 15);
    const points = rates.map((rate, index) => `${index * step},${39 - (37 * rate) / (peak || 1)}`);
    find("line").setAttribute("points", points.join(" "));
    find("area").setAttribute("points", `0,40 ${points.join(" ")} ${(rates.length - 1) * step},40`);
    set(find("rate"), short.format(rates.at(-1) ?? 0));
    set(find("peak"), `peak ${short.format(peak)} in 3 min`);
  }

  function showMetrics(text: string, now: number): void {
    const values = new Map(
      Array.from(text.matchAll(/^(\w+) (\S+)$/gm), ([, name, value]) => [name, Number(value)]),
    );
    const of = (name: string) => values.get(`playcount_${name}`);
    showRate(of("plays_total") ?? 0);
    set(find("plays"), number.format(of("plays_total") ?? 0));
    set(find("distinct"), number.format(of("songs") ?? 0));
    const [used, limit] = [of("store_bytes"), of("store_limit_bytes")];
    if (used !== undefined && limit !== undefined) {
      const share = `${((100 * used) / limit).toFixed(1)}%`;
      set(find("memory"), bytes(used));
      set(find("limit"), `${share} of ${bytes(limit)}`);
      find("meter").style?.setProperty("--share", share);
    } else set(find("limit"), "not in this process");
    const deaths = of("worker_deaths_total") ?? 0;
    set(find("workers"), number.format(of("workers") ?? 0));
    set(find("deaths"), deaths === 0 ? "none has ended" : `${number.format(deaths)} ended`);
    const started = values.get("process_start_time_seconds");
    set(find("uptime"), started === undefined ? "–" : span(Math.max(0, now / 1000 - started)));
    set(find("version"), /^playcount_info\{version="([^"]*)"/m.exec(text)?.[1] ?? "");
  }

  function showFolds(folds: { fold: number; label: string; sealed?: string }[], now: number): void {
    const rows = folds.map(({ fold, label, sealed }) => [
      `${fold}`,
      label || "–",
      sealed === undefined ? "–" : span(Math.max(0, (now - Date.parse(sealed)) / 1000)),
    ]);
    fill("folds", rows, ["", "label", "number"]);
  }

  function showHealth(isWell: boolean, text: string): void {
    find("health").className = isWell ? "health" : "health bad";
    set(find("state"), text);
  }

  function ask(path: string, accept: string): Promise<Response> {
    return fetch(path, { headers: { accept }, signal: AbortSignal.timeout(10_000) });
  }

  async function refresh(): Promise<void> {
    const [health, metrics, folds] = await Promise.all([
      ask("health", "text/plain"),
      ask("metrics", "text/plain"),
      ask("folds", "application/json"),
    ]);
    const now = Date.parse(metrics.headers.get("date") ?? "") || Date.now();
    const [, reason = "not ready"] = (await health.text()).split("\n");
    showHealth(health.ok, health.ok ? "healthy" : reason);
    if (metrics.ok) showMetrics(await metrics.text(), now); // a balancer may refuse these
    if (folds.ok) showFolds((await folds.json()) as Parameters<typeof showFolds>[0], now);
    const polled = source?.readyState === 1 ? undefined : await ask(TOP, "application/json");
    showSongs(polled?.ok ? ((await polled.json()) as Song[]) : songs, true);
    if (source?.readyState === 2) open();
    samples.push({ at: performance.now(), counts: new Map(songs.map(({ id, count }) => [id, count])) });
    if (samples.length > RATE_TICKS) samples.shift();
  }

  function open(): void {
    source = new EventSource(TOP);
    source.addEventListener("counts", ({ data }) => showSongs(JSON.parse(data), false));
  }

  async function tick(): Promise<void> {
    timer = undefined;
    try {
      await refresh();
    } catch {
      showHealth(false, "no answer");
    }
    if (source !== undefined) timer ??= setTimeout(tick, TICK_MS);
  }

  function start(): void {
    if (source !== undefined || isPaused || document.hidden) return;
    open();
    void tick();
  }

  function stop(): void {
    source?.close();
    source = undefined;
    clearTimeout(timer);
    last = undefined;
    samples.length = 0;
  }

  find("pause").addEventListener("click", () => {
    isPaused = !isPaused;
    set(find("pause"), isPaused ? "Resume" : "Pause");
    if (isPaused) stop();
    else start();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  set(find("example"), `curl -X POST ${new URL(`${resource}/1`, location.href)}`);
  start();
}
