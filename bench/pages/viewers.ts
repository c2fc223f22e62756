import process from "node:process";
import { type Child, end, spawn } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { readMemory } from "../harness/memory.ts";
import { playcount } from "../harness/playcount.ts";
import { sendRequest, start } from "../harness/server.ts";
import { percentile } from "../harness/statistics.ts";
import { observe, runUnderLoad } from "../songs/open-loop-load.ts";

/** How clients view counts; see viewers-child.ts. */
export type Way = "stream" | "poll" | "stall";

/** Viewers of one page, and the times of a trial. */
export interface Viewing {
  way: Way;
  viewers: number;
  /** Songs of the page, of which one after the other is played. */
  songs: number;
  measuredMs: number;
}

/** Figures of a trial. */
export interface Trial {
  /** Seconds of processor time that the server used in a second. */
  cores: number;
  /** Memory of the server's process for each viewer, in kB. */
  kilobytes: number;
  /** Memory that the process took more while counts changed, in MiB. */
  growthMiB: number;
  /** Answers or events for each viewer in a second. */
  answers: number;
  /** Latency of 99 of 100 plays, which come evenly, 2,000 a second. */
  p99Ms: number;
}

const PLAYS_PER_SECOND = 10;
const WARM_UP_REQUESTS = 300;

/** Starts a server with viewers of a page, while its songs are played. */
export async function view({ way, viewers, songs, measuredMs }: Viewing): Promise<Trial> {
  const server = await start({ name: "playcount", command: playcount() });
  const ids = Array.from({ length: songs }, (_, n) => `viewed-${n}`);
  const path = `/?${ids.map((id) => `id=${id}`).join("&")}`;
  const pages = new Viewers(way);
  const settleMs = measuredMs / 5;
  try {
    for (let n = 0; n < WARM_UP_REQUESTS; n++) await sendRequest(server.url + path);
    const resident = () => readMemory(server.child.pid).resident;
    const before = resident();
    await pages.open(new URL(server.url).port, viewers, path);
    await Bun.sleep(settleMs);
    const opened = resident();
    const playing = new AbortController();
    const plays = playInTurn(server.url, ids, playing.signal);
    await Bun.sleep(settleMs);
    const startedAt = performance.now();
    const { total } = await measureCpu(server.child.pid, () => Bun.sleep(measuredMs));
    const tookMs = performance.now() - startedAt;
    const grown = resident();
    const { latencyMs } = await runUnderLoad(
      { url: server.url, songs: 1000, warmUpMs: settleMs },
      async () => {
        const span = { began: Date.now(), ended: Date.now() + measuredMs };
        await Bun.sleep(measuredMs);
        await observe(span);
        return span;
      },
    );
    playing.abort();
    await plays;
    const seconds = (performance.now() - startedAt + settleMs) / 1000;
    return {
      cores: total / 1e6 / tookMs,
      kilobytes: (opened - before) / viewers / 1000,
      growthMiB: Math.max(0, grown - opened) / 2 ** 20,
      answers: (await pages.close()) / viewers / seconds,
      p99Ms: percentile(latencyMs, 0.99),
    };
  } finally {
    pages.kill();
    end(server.child);
  }
}

async function playInTurn(url: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    await sendRequest(`${url}/song/${ids[n % ids.length]}`, "POST");
    await Bun.sleep(1000 / PLAYS_PER_SECOND);
  }
}

/** Clients in a process of their own. */
class Viewers {
  readonly #way: Way;
  #child: Child<"pipe"> | undefined;
  #lines: AsyncIterator<Uint8Array> | undefined;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Resolves when each client has its first answer. */
  async open(port: string, count: number, path: string): Promise<void> {
    const command = [process.execPath, "bench/pages/viewers-child.ts", port, String(count), this.#way, path];
    this.#child = spawn(command, { stdout: "pipe" });
    this.#lines = this.#child.stdout[Symbol.asyncIterator]();
    await this.#read();
  }

  /** Ends the clients, and returns the number of their later answers. */
  async close(): Promise<number> {
    this.#child?.kill("SIGTERM");
    return Number(await this.#read());
  }

  kill(): void {
    if (this.#child !== undefined) end(this.#child);
  }

  async #read(): Promise<string> {
    const line = await this.#lines?.next();
    if (line === undefined || line.done) throw new Error("the viewers have ended");
    return new TextDecoder().decode(line.value).trim();
  }
}
