import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { load } from "../harness/oha.ts";
import { playcount } from "../harness/playcount.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { sendRequest, start } from "../harness/server.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";

const REQUESTS = 20_000;
const SMOKE_REQUESTS = 200;
const SONGS = 50;

const PATHS = {
  "`GET /song/1`": "/song/1",
  "`GET /?id=…` of 50 songs": `/?${Array.from({ length: SONGS }, (_, n) => `id=${n + 1}`).join("&")}`,
} as const;
type Request = keyof typeof PATHS;
const [ONE, MANY] = Object.keys(PATHS) as [Request, Request];

interface Trial {
  cpuMicroseconds: number;
}

type Figure = keyof Trial | "ratio";

/** Measures a request for all songs of a page, compared with a request for one of them. */
export async function measureNamedSongs(options: RunOptions): Promise<ResultTable<Figure>> {
  const requests = options.smoke ? SMOKE_REQUESTS : REQUESTS;
  const warmUp = warmUpRounds(options);
  const server = await start({ name: "playcount", command: playcount() });
  try {
    for (let n = 1; n <= SONGS; n++) await sendRequest(`${server.url}/song/${n}`, "POST");
    const title = "songs by name";
    const trials = await runRounds([[ONE, MANY]], { title, rounds: options.rounds, warmUp }, (request) =>
      runTrial(server.child.pid, server.url + PATHS[request], requests),
    );
    const rows = [ONE, MANY].map((request): Row<Figure> => {
      const own = trials.get(request) ?? [];
      const ratio = summariseRatio(own, trials.get(ONE), "cpuMicroseconds");
      return { labels: [request], figures: { ...summariseAll(own, "cpuMicroseconds"), ratio } };
    });
    return {
      name: "namedSongs",
      title: "All songs of a page in one request",
      labels: ["request"],
      columns: { cpuMicroseconds: ["CPU µs/request", 1], ratio: [`CPU × ${ONE}`, 2] },
      rows,
      goals: rows.slice(1).map((row) => {
        return { row, figure: "ratio", relation: "≤", value: 4, unit: `× the CPU of ${ONE}` };
      }),
      parameters: { rounds: options.rounds, warmUp, requests },
    };
  } finally {
    end(server.child);
  }
}

async function runTrial(pid: number, url: string, requests: number): Promise<Trial> {
  const { total } = await measureCpu(pid, () => load(url, "GET", requests));
  return { cpuMicroseconds: total / requests / 1000 };
}
