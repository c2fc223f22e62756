import process from "node:process";
import { run } from "../harness/children.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import type { RunOptions } from "../harness/suite.ts";

const SONGS = 1_000_000;
const SMOKE_SONGS = 20_000;

/** Each pass adds as many plays as there are songs. */
const PASSES = 3;

interface Case {
  name: string;
  threads: number;
  stores: number;
}

const ONE_THREAD: Case = { name: "one", threads: 1, stores: 1 };
const SHARED_STORE: Case = { name: "one", threads: 2, stores: 1 };
/** Threads that share nothing show the limit of the machine. */
const OWN_STORES: Case = { name: "one for each", threads: 2, stores: 2 };
const CASES = [ONE_THREAD, SHARED_STORE, OWN_STORES];

interface Trial {
  additionsPerSecond: number;
}

type Figure = keyof Trial | "ratio";

/** Measures how much faster two threads add plays to one store than one thread does. */
export async function measureThreads({ rounds, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const songs = smoke ? SMOKE_SONGS : SONGS;
  const trials = await runRounds([CASES], { title: "threads", rounds }, (current) =>
    runTrial(current, songs),
  );
  const rows = Array.from(trials, ([{ threads, name }, own]) => ({
    labels: [String(threads), name],
    figures: {
      ...summariseAll(own, "additionsPerSecond"),
      ratio: summariseRatio(own, trials.get(ONE_THREAD), "additionsPerSecond"),
    },
  }));
  const row = rows[CASES.indexOf(SHARED_STORE)] as Row<Figure>;
  return {
    name: "threads",
    title: `Threads that add to ${songs.toLocaleString("en")} songs`,
    labels: ["threads", "stores"],
    columns: { additionsPerSecond: ["additions/s", 0], ratio: ["× one thread", 2] },
    rows,
    goals: [{ row, figure: "ratio", relation: "≥", value: 1.7, unit: "× the additions of one thread" }],
    parameters: { rounds, songs, passes: PASSES },
  };
}

async function runTrial({ threads, stores }: Case, songs: number): Promise<Trial> {
  const args = [threads, stores, songs, PASSES].map(String);
  const output = await run([process.execPath, "bench/store/threads-child.ts", ...args]);
  return { additionsPerSecond: JSON.parse(output) as number };
}
