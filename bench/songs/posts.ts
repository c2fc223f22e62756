import process from "node:process";
import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { load } from "../harness/oha.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import type { RunningServer } from "../harness/server.ts";
import { songIdPattern } from "../harness/song-id.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { checkPlays, startPreloaded } from "./preloaded.ts";

const SIZES = [1000, 10_000_000] as const;
const SMOKE_SIZES = [1000, 10_000] as const;

/** Starts of both servers: the cost of a program differs from start to start, by where its memory lies. */
const LAUNCHES = 3;

const REQUESTS = 50_000;
const SMOKE_REQUESTS = 1000;

interface Trial {
  cpuMicroseconds: number;
}

type Figure = keyof Trial | "ratio";

interface Server extends RunningServer {
  songs: number;
}

/** Measures the cost of a play of a song at random, with few songs and with many. */
export async function measurePosts(options: RunOptions): Promise<ResultTable<Figure>> {
  const sizes = options.smoke ? SMOKE_SIZES : SIZES;
  const launches = options.smoke ? 1 : LAUNCHES;
  const rounds = Math.ceil(options.rounds / launches);
  const warmUp = warmUpRounds(options);
  const requests = options.smoke ? SMOKE_REQUESTS : REQUESTS;
  const trials = new Map<number, Trial[]>(sizes.map((songs) => [songs, []]));
  for (let launch = 1; launch <= launches; launch++) {
    process.stderr.write(`POST by songs, start ${launch} of ${launches}\n`);
    const seen = await measureLaunch(sizes, requests, { rounds, warmUp });
    for (const [{ songs }, more] of seen) trials.get(songs)?.push(...more);
  }
  const [few, many] = [toRow(sizes[0], trials, sizes[0]), toRow(sizes[1], trials, sizes[0])];
  return {
    name: "posts",
    title: "`POST` to songs at random",
    labels: ["songs"],
    columns: {
      cpuMicroseconds: ["CPU µs/request", 1],
      ratio: [`CPU × ${few.labels.join()} songs`, 2],
    },
    rows: [few, many],
    goals: [{ row: many, figure: "ratio", relation: "≤", value: 1.15, unit: "× the CPU with few songs" }],
    parameters: { rounds: rounds * launches, launches, warmUp, requests },
  };
}

async function measureLaunch(
  sizes: readonly number[],
  requests: number,
  rounds: { rounds: number; warmUp: number },
): Promise<Iterable<[Server, Trial[]]>> {
  const servers: Server[] = [];
  try {
    for (const songs of sizes) servers.push({ songs, ...(await startPreloaded(songs)) });
    const trials = await runRounds([servers], { title: "POST by songs", ...rounds }, (server) =>
      runTrial(server, requests),
    );
    const played = (rounds.warmUp + rounds.rounds) * requests;
    for (const { songs, url } of servers) await checkPlays(url, songs, played);
    return trials;
  } finally {
    for (const { child } of servers) end(child);
  }
}

async function runTrial({ url, child, songs }: Server, requests: number): Promise<Trial> {
  const { total } = await measureCpu(child.pid, () =>
    load(`${url}/song/${songIdPattern(songs)}`, "POST", requests, { isPattern: true }),
  );
  return { cpuMicroseconds: total / requests / 1000 };
}

function toRow(songs: number, trials: ReadonlyMap<number, Trial[]>, few: number): Row<Figure> {
  const own = trials.get(songs) ?? [];
  return {
    labels: [songs.toLocaleString("en")],
    figures: {
      ...summariseAll(own, "cpuMicroseconds"),
      ratio: summariseRatio(own, trials.get(few), "cpuMicroseconds"),
    },
  };
}
