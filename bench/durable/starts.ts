import { join } from "node:path";
import process from "node:process";
import { end } from "../children.ts";
import { makeFolder } from "../folder.ts";
import type { Part, Row } from "../part.ts";
import { playcount } from "../playcount.ts";
import { ask, type RunningServer, start } from "../server.ts";
import { songId } from "../song-id.ts";
import { summarise } from "../statistics.ts";
import { type Plan, ROUNDS_OF_LONG } from "../suite.ts";

const SIZES = [1000, 1_000_000] as const;
const SMOKE_SIZES = [10, 1000] as const;
const BATCH = 20_000;

type Figure = "stopped" | "killed";

/** How long it takes until a server that has been stopped, or killed, answers again. */
export async function measureStarts({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const times = Math.min(rounds, ROUNDS_OF_LONG);
  const rows: Row<Figure>[] = [];
  for (const songs of smoke ? SMOKE_SIZES : SIZES) rows.push(await measure(songs, times));
  const goal = { row: rows.at(-1) as Row<Figure>, relation: "≤", value: 1, unit: "s" } as const;
  return {
    name: "starts",
    title: "Starting again with songs on the disk",
    labels: ["songs"],
    columns: [
      { figure: "stopped", head: "s after a stop", places: 2 },
      { figure: "killed", head: "s after a kill", places: 2 },
    ],
    rows,
    goals: [
      { ...goal, figure: "stopped" },
      { ...goal, figure: "killed" },
    ],
    about: { rounds: times },
  };
}

async function measure(songs: number, times: number): Promise<Row<Figure>> {
  using folder = makeFolder();
  const subject = { name: "playcount", command: playcount("--data", join(folder.path, "plays")) };
  const seen: Record<Figure, number[]> = { stopped: [], killed: [] };
  let server = await start(subject);
  try {
    await fill(server.url, songs);
    for (let round = 0; round < times; round++) {
      process.stderr.write(`starts with ${songs} songs, round ${round + 1}\n`);
      for (const figure of ["stopped", "killed"] as const) {
        await ask(`${server.url}/song/${songId(round)}`, "POST"); // so that a kill leaves something in the log
        await stop(server, figure === "stopped" ? "SIGTERM" : "SIGKILL");
        const startedAt = performance.now();
        server = await start(subject);
        seen[figure].push((performance.now() - startedAt) / 1000);
      }
    }
    await check(server.url, songs, times);
  } finally {
    end(server.child);
  }
  return {
    labels: [songs.toLocaleString("en")],
    figures: { stopped: summarise(seen.stopped), killed: summarise(seen.killed) },
  };
}

async function fill(url: string, songs: number): Promise<void> {
  for (let first = 0; first < songs; first += BATCH) {
    const length = Math.min(BATCH, songs - first);
    const plays = Array.from({ length }, (_, song) => `${songId(first + song)}=1`);
    const { status } = await ask(`${url}/batch`, "POST", plays.join(","));
    if (status !== 200) throw new Error(`a batch was answered with ${status}`);
  }
}

async function check(url: string, songs: number, times: number): Promise<void> {
  const { body } = await ask(url);
  const counted = body.split(",").reduce((sum, pair) => sum + Number(pair.slice(pair.indexOf("=") + 1)), 0);
  if (counted !== songs + 2 * times) throw new Error(`of ${songs + 2 * times} plays ${counted} were counted`);
}

async function stop({ child }: RunningServer, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  child.kill(signal);
  await child.exited;
  end(child);
}
