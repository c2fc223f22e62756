import process from "node:process";
import { run } from "../harness/children.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";
import type { CounterKind } from "./counters.ts";
import type { Growth } from "./growth-child.ts";

const SIZES = [1_000_000, 10_000_000];
const SMOKE_SIZES = [20_000, 100_000];

const NAMES: Record<CounterKind, string> = {
  own: "packed in growable memory",
  shared: "packed in shared memory",
  map: "`Map`",
};

type Figure = keyof Growth | "ratio";

/** Measures the growth from no song to many: memory of a song, and mean and slowest addition. */
export async function measureGrowth({ rounds: wanted, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const sizes = smoke ? SMOKE_SIZES : SIZES;
  const rounds = Math.min(wanted, MAX_LONG_ROUNDS);
  const rows: Row<Figure>[] = [];
  for (const songs of sizes) rows.push(...(await measureSize(songs, rounds)));
  return {
    name: "growth",
    title: "Growing from no song to many",
    labels: ["songs", "store"],
    columns: {
      bytesPerSong: ["bytes/song", 1],
      slowestMs: ["slowest addition ms", 2],
      meanNanoseconds: ["ns/addition", 0],
      ratio: ["ns × growable", 2],
    },
    rows,
    goals: rows.flatMap((row) => goalsOf(row, sizes)),
    parameters: { rounds },
  };
}

async function measureSize(songs: number, rounds: number): Promise<Row<Figure>[]> {
  const kinds = Object.keys(NAMES) as CounterKind[];
  const growths = await runRounds([kinds], { title: `growing to ${songs} songs`, rounds }, async (kind) => {
    const command = [process.execPath, "bench/store/growth-child.ts", kind, String(songs)];
    return JSON.parse(await run(command)) as Growth;
  });
  return Array.from(growths, ([kind, own]) => ({
    labels: [songs.toLocaleString("en"), NAMES[kind]],
    figures: {
      ...summariseAll(own, "bytesPerSong", "slowestMs", "meanNanoseconds"),
      ratio: summariseRatio(own, growths.get("own"), "meanNanoseconds"),
    },
  }));
}

function goalsOf(row: Row<Figure>, sizes: readonly number[]): Goal<Figure>[] {
  const [songs, name] = row.labels;
  if (name === NAMES.map) return [];
  const memory = { row, figure: "bytesPerSong", relation: "≤", value: 48, unit: "bytes a song" } as const;
  const unit = "ms for the slowest addition";
  const slowest = { row, figure: "slowestMs", relation: "≤", value: 5, unit } as const;
  const isLargest = songs === sizes.at(-1)?.toLocaleString("en");
  return isLargest ? [memory, slowest] : [memory];
}
