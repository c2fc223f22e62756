import process from "node:process";
import { end } from "../children.ts";
import { cpuBetween, readCpuTimes } from "../cpu.ts";
import { load } from "../oha.ts";
import type { Part, Row } from "../part.ts";
import type { RunningServer } from "../server.ts";
import { songId } from "../song-id.ts";
import { summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import { checkPlays, startFilled } from "./filled.ts";

const SONGS = 10_000;

/** Songs of a request, each with one play. */
const SIZES = [1, 10, 100, 1000] as const;

/** Plays of a slice, and of one whose requests are small. */
const PLAYS = 2_000_000;
const MOST_REQUESTS = 20_000;
const SMOKE_PLAYS = 20_000;

/** Rounds that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

const TEXT = "text/plain";

type Figure = "cpuNanoseconds" | "playsPerCpuSecond";

/** What it costs to count plays that come together. */
export async function measureBatches({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const seen = new Map<number, number[]>(SIZES.map((size) => [size, []]));
  const server = await startFilled(SONGS);
  try {
    let played = 0;
    for (let round = smoke ? 0 : -WARM_UP; round < rounds; round++) {
      process.stderr.write(`POST /batch, round ${round + 1}\n`);
      for (const size of SIZES) {
        const requests = Math.min(MOST_REQUESTS, (smoke ? SMOKE_PLAYS : PLAYS) / size);
        const nanoseconds = await takeSlice(server, size, requests);
        played += requests * size;
        if (round >= 0) seen.get(size)?.push(nanoseconds);
      }
    }
    await checkPlays(server.url, SONGS, played);
  } finally {
    end(server.child);
  }
  const rows = SIZES.map((size) => toRow(size, seen.get(size) ?? []));
  return {
    name: "batches",
    title: "`POST /batch`",
    labels: ["songs/request"],
    columns: [
      { figure: "cpuNanoseconds", head: "CPU ns/play", places: 0 },
      { figure: "playsPerCpuSecond", head: "plays/CPU second", places: 0 },
    ],
    rows,
    goals: [
      {
        row: rows.at(-1) as Row<Figure>,
        figure: "playsPerCpuSecond",
        relation: "≥",
        value: 2_000_000,
        unit: "plays for each second of one core",
      },
    ],
    about: { rounds, songs: SONGS, plays: PLAYS },
  };
}

/** Gives the nanoseconds of processor time that a play took. */
async function takeSlice({ url, child }: RunningServer, size: number, requests: number): Promise<number> {
  const first = Math.floor(Math.random() * (SONGS - size + 1));
  const body = Array.from({ length: size }, (_, song) => `${songId(first + song)}=1`).join(",");
  const before = readCpuTimes(child.pid);
  await load(`${url}/batch`, "POST", requests, { body, type: TEXT });
  return cpuBetween(before, readCpuTimes(child.pid)) / requests / size;
}

function toRow(size: number, nanoseconds: readonly number[]): Row<Figure> {
  return {
    labels: [size.toLocaleString("en")],
    figures: {
      cpuNanoseconds: summarise(nanoseconds),
      playsPerCpuSecond: summarise(nanoseconds.map((value) => 1e9 / value)),
    },
  };
}
