import { join } from "node:path";
import process from "node:process";
import { end } from "../harness/children.ts";
import { makeFolder } from "../harness/folder.ts";
import { checkTotals } from "../harness/list-reader.ts";
import { playcount } from "../harness/playcount.ts";
import { preload } from "../harness/preload.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { type RunningServer, start, sendRequest } from "../harness/server.ts";
import { songId } from "../harness/song-id.ts";
import { summarise } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";

const SIZES = [1000, 1_000_000, 10_000_000] as const;
const SMOKE_SIZES = [10, 1000, 10_000] as const;

/** Most seconds of a restart, by the place of its number of songs among the sizes. */
const GOALS = [undefined, 1, 8];

const SIGNALS = { stopped: "SIGTERM", killed: "SIGKILL" } as const;
type Figure = keyof typeof SIGNALS;

/** Measures the time from the start of a process to its first answer, after a stop and after a kill. */
export async function measureRestarts({ rounds, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const restarts = Math.min(rounds, MAX_LONG_ROUNDS);
  const rows: Row<Figure>[] = [];
  for (const songs of smoke ? SMOKE_SIZES : SIZES) rows.push(await measureSize(songs, restarts));
  return {
    name: "restarts",
    title: "Restart with songs on disk",
    labels: ["songs"],
    columns: { stopped: ["s after a stop", 2], killed: ["s after a kill", 2] },
    rows,
    goals: rows.flatMap((row, at) => toGoals(row, GOALS[at])),
    parameters: { rounds: restarts },
  };
}

function toGoals(row: Row<Figure>, value: number | undefined): Goal<Figure>[] {
  if (value === undefined) return [];
  return [
    { row, figure: "stopped", relation: "≤", value, unit: "s after a stop" },
    { row, figure: "killed", relation: "≤", value, unit: "s after a kill" },
  ];
}

async function measureSize(songs: number, restarts: number): Promise<Row<Figure>> {
  using folder = makeFolder();
  const subject = { name: "playcount", command: playcount("--data", join(folder.path, "plays")) };
  const seconds: Record<Figure, number[]> = { stopped: [], killed: [] };
  let server = await start(subject);
  try {
    process.stderr.write(`preloading ${songs} songs\n`);
    await preload(server.url, songs);
    for (let restart = 1; restart <= restarts; restart++) {
      process.stderr.write(`restarts with ${songs} songs, round ${restart} of ${restarts}\n`);
      for (const figure of Object.keys(SIGNALS) as Figure[]) {
        // A play leaves a commit in the log to recover.
        await sendRequest(`${server.url}/song/${songId(restart)}`, "POST");
        await stop(server, SIGNALS[figure]);
        const startedAt = performance.now();
        server = await start(subject);
        seconds[figure].push((performance.now() - startedAt) / 1000);
      }
    }
    await checkTotals(server.url, songs, songs + 2 * restarts);
  } finally {
    end(server.child);
  }
  return {
    labels: [songs.toLocaleString("en")],
    figures: { stopped: summarise(seconds.stopped), killed: summarise(seconds.killed) },
  };
}

async function stop({ child }: RunningServer, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await child.exited;
  end(child);
}
