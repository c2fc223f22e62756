import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { summariseAll } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";
import { type Trial, view, type Viewing } from "./viewers.ts";

type Figure = keyof Trial;
type Page = Omit<Viewing, "measuredMs">;

const COUNTS = [1000, 10_000] as const;
const SMOKE_COUNTS = [20, 40] as const;
const STALLED = 1000;
const MEASURED_MS = 5000;
const SMOKE_MS = 500;

const NAMES = { stream: "stream", poll: "poll every 2 s, with `ETag`", stall: "stream, and read nothing" };

/** Measures a server whose counts are viewed while they change. */
export async function measureWatching({ rounds: wanted, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const counts = smoke ? SMOKE_COUNTS : COUNTS;
  const rounds = Math.min(wanted, MAX_LONG_ROUNDS);
  const measuredMs = smoke ? SMOKE_MS : MEASURED_MS;
  const groups = counts.flatMap((viewers) =>
    [1, 50].map((songs): Page[] => [
      { way: "stream", viewers, songs },
      { way: "poll", viewers, songs },
    ]),
  );
  const stalled: Page = { way: "stall", viewers: smoke ? counts[0] : STALLED, songs: 50 };
  const trials = await runRounds([...groups, [stalled]], { title: "viewers of counts", rounds }, (page) =>
    view({ ...page, measuredMs }),
  );
  const rows = Array.from(trials, ([page, trials]) => toRow(page, trials));
  return {
    name: "viewers",
    title: "Viewers of one song, and of 50, of which ten are played a second",
    labels: ["viewers", "songs", "way"],
    columns: {
      cores: ["cores", 3],
      kilobytes: ["kB/viewer", 1],
      growthMiB: ["MiB more meanwhile", 1],
      answers: ["answers/s/viewer", 2],
      p99Ms: ["p99 ms of `POST`", 2],
    },
    rows,
    goals: rows.flatMap((row) => goalsOf(row, counts)),
    parameters: { rounds, measuredMs },
  };
}

function toRow({ viewers, songs, way }: Page, trials: readonly Trial[]): Row<Figure> {
  return {
    labels: [viewers.toLocaleString("en"), String(songs), NAMES[way]],
    figures: summariseAll(trials, "cores", "kilobytes", "growthMiB", "answers", "p99Ms"),
  };
}

function goalsOf(row: Row<Figure>, [, many]: readonly [number, number]): Goal<Figure>[] {
  const [viewers, songs, way] = row.labels;
  const flat: Goal<Figure> = { row, figure: "growthMiB", relation: "≤", value: 10, unit: "MiB more" };
  if (way === NAMES.stall) return [flat];
  if (viewers !== many.toLocaleString("en") || songs !== "1" || way !== NAMES.stream) return [];
  return [
    { row, figure: "cores", relation: "≤", value: 0.5, unit: "of a core" },
    { row, figure: "kilobytes", relation: "≤", value: 10, unit: "kB a viewer" },
    { row, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100 `POST`s" },
  ];
}
