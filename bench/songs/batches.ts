import { batchOf } from "../harness/batches.ts";
import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { load } from "../harness/oha.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import type { RunningServer } from "../harness/server.ts";
import { summariseAll } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { checkPlays, startPreloaded } from "./preloaded.ts";

const SONGS = 10_000;

/** Songs of a request, each with one play. */
const SIZES = [1, 10, 100, 1000] as const;

/** Plays of a trial, and its most requests, which limit the plays if batches are small. */
const PLAYS = 2_000_000;
const MAX_REQUESTS = 20_000;
const SMOKE_PLAYS = 20_000;

interface Trial {
  cpuNanoseconds: number;
  playsPerCpuSecond: number;
}

/** Measures the cost of a play in batches of several sizes. */
export async function measureBatches(options: RunOptions): Promise<ResultTable<keyof Trial>> {
  const { rounds, smoke } = options;
  const warmUp = warmUpRounds(options);
  const plays = smoke ? SMOKE_PLAYS : PLAYS;
  const server = await startPreloaded(SONGS);
  try {
    let played = 0;
    const trials = await runRounds([SIZES], { title: "POST /batch", rounds, warmUp }, async (size) => {
      const requests = Math.min(MAX_REQUESTS, plays / size);
      played += requests * size;
      return await runTrial(server, size, requests);
    });
    await checkPlays(server.url, SONGS, played);
    return toTable(trials, { rounds, warmUp, songs: SONGS, plays });
  } finally {
    end(server.child);
  }
}

async function runTrial({ url, child }: RunningServer, size: number, requests: number): Promise<Trial> {
  const body = batchOf(Math.floor(Math.random() * (SONGS - size + 1)), size);
  const { total } = await measureCpu(child.pid, () =>
    load(`${url}/batch`, "POST", requests, { body, type: "text/plain" }),
  );
  const cpuNanoseconds = total / requests / size;
  return { cpuNanoseconds, playsPerCpuSecond: 1e9 / cpuNanoseconds };
}

function toTable(
  trials: ReadonlyMap<number, Trial[]>,
  parameters: ResultTable["parameters"],
): ResultTable<keyof Trial> {
  const rows = Array.from(trials, ([size, trials]) => ({
    labels: [size.toLocaleString("en")],
    figures: summariseAll(trials, "cpuNanoseconds", "playsPerCpuSecond"),
  }));
  const row = rows.at(-1) as Row<keyof Trial>;
  const unit = "plays for each second of one core";
  return {
    name: "batches",
    title: "`POST /batch`",
    labels: ["songs/request"],
    columns: { cpuNanoseconds: ["CPU ns/play", 0], playsPerCpuSecond: ["plays/CPU second", 0] },
    rows,
    goals: [{ row, figure: "playsPerCpuSecond", relation: "≥", value: 2_000_000, unit }],
    parameters,
  };
}
