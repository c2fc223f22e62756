import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { summariseAll } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";
import { OPERATIONS } from "./operations.ts";
import { runTrial, type Trial } from "./operation-trial.ts";

const SONGS = 10_000_000;
const SMOKE_SONGS = 20_000;

type Figure = keyof Trial;

/** Measures the latency of plays, and the memory of the server, during operations on many songs. */
export async function measureLatency({ rounds: wanted, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const songs = smoke ? SMOKE_SONGS : SONGS;
  const rounds = Math.min(wanted, MAX_LONG_ROUNDS);
  const trials = await runRounds([OPERATIONS], { title: "latency under load", rounds }, (operation) =>
    runTrial(operation, songs, smoke),
  );
  const rows = Array.from(trials, ([{ name }, trials]) => toRow(name, trials));
  return {
    name: "latency",
    title: `\`POST\` beside other requests, with ${songs.toLocaleString("en")} songs`,
    labels: ["beside"],
    columns: {
      p99Ms: ["p99 ms", 2],
      slowestMs: ["slowest ms", 1],
      beforeMiB: ["MiB before", 0],
      peakMiB: ["peak MiB", 0],
      growthMiB: ["MiB more", 1],
      operationMs: ["took ms", 1],
    },
    rows,
    goals: rows.flatMap(goalsOf),
    parameters: { rounds, songs },
  };
}

function toRow(name: string, trials: readonly Trial[]): Row<Figure> {
  const latency = summariseAll(trials, "p99Ms", "slowestMs", "operationMs");
  return {
    labels: [name],
    figures: { ...latency, ...summariseAll(trials, "beforeMiB", "peakMiB", "growthMiB") },
  };
}

function goalsOf(row: Row<Figure>): Goal<Figure>[] {
  return [
    { row, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100 `POST`s" },
    { row, figure: "growthMiB", relation: "≤", value: 64, unit: "MiB more" },
  ];
}
