import { join } from "node:path";
import { writeBatches } from "../harness/batches.ts";
import { makeFolder } from "../harness/folder.ts";
import { checkTotals } from "../harness/list-reader.ts";
import { load } from "../harness/oha.ts";
import { preload } from "../harness/preload.ts";
import { Redis } from "../harness/redis.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds, type Samples } from "../harness/rounds.ts";
import type { RunningServer } from "../harness/server.ts";
import { summariseAll } from "../harness/statistics.ts";
import type { RunOptions } from "../harness/suite.ts";
import { measureSplitCpu, type SplitCpu } from "./split-cpu.ts";

const SONGS = [100_000, 1_000_000] as const;
const SMOKE_SONGS = [10_000, 20_000] as const;
/** Songs of a request. */
const SIZES = [1000, 10_000] as const;

/** Plays of a trial. */
const PLAYS = 500_000;
const SMOKE_PLAYS = 20_000;

/** As few as batch jobs have, and enough to keep the server and Redis busy at once. */
const CONNECTIONS = 4;

const WARM_UP_ROUNDS = 1;

/** Least plays for each second of one core, both for the server alone and with Redis. */
const GOAL = 300_000;

/** One trial; processor time is for each play. */
interface Trial extends SplitCpu {
  playsPerServerSecond: number;
  playsPerCpuSecond: number;
  playsPerSecond: number;
}

/** Batches of one size for a server with `songs` songs. */
interface Case {
  server: RunningServer;
  songs: number;
  size: number;
  /** Path of a file with one batch a line. */
  bodies: string;
}

/** Measures the cost of plays in batches that are counted in Redis. */
export async function measureBatches({ rounds, smoke }: RunOptions): Promise<ResultTable<keyof Trial>> {
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const cases: Case[] = [];
  for (const songs of smoke ? SMOKE_SONGS : SONGS) cases.push(...(await prepare(redis, songs, folder.path)));
  const plays = smoke ? SMOKE_PLAYS : PLAYS;
  const warmUp = smoke ? 0 : WARM_UP_ROUNDS;
  const trials = await runRounds([cases], { title: "POST /batch to Redis", rounds, warmUp }, (current) =>
    runTrial(redis, current, plays),
  );
  const played = (warmUp + rounds) * SIZES.length * plays;
  for (const { server, songs, size } of cases)
    if (size === SIZES[0]) await checkTotals(server.url, songs, songs + played);
  return toTable(trials, { rounds, warmUp, plays, connections: CONNECTIONS });
}

/** Starts a server with `songs` songs, and writes batches of each size. */
async function prepare(redis: Redis, songs: number, folder: string): Promise<Case[]> {
  const server = await redis.startPlaycount(`of-${songs}`);
  await preload(server.url, songs);
  const cases = SIZES.map((size) => ({ server, songs, size, bodies: join(folder, `${songs}-by-${size}`) }));
  for (const { size, bodies } of cases) await writeBatches(bodies, songs, size);
  return cases;
}

async function runTrial(redis: Redis, { server, size, bodies }: Case, plays: number): Promise<Trial> {
  const requests = plays / size;
  const { result, ...cpu } = await measureSplitCpu({ redis, servers: [server], count: plays }, () =>
    load(`${server.url}/batch`, "POST", requests, {
      bodies,
      type: "text/plain",
      fields: ["Prefer: return=minimal"],
      status: 204,
      connections: Math.min(CONNECTIONS, requests),
    }),
  );
  return {
    ...cpu,
    playsPerServerSecond: 1e6 / cpu.serverMicroseconds,
    playsPerCpuSecond: 1e6 / cpu.totalMicroseconds,
    playsPerSecond: result.requestsPerSecond * size,
  };
}

function toTable(
  trials: Samples<Case, Trial>,
  parameters: ResultTable["parameters"],
): ResultTable<keyof Trial> {
  const rows = Array.from(trials, ([{ songs, size }, own]) => ({
    labels: [songs.toLocaleString("en"), size.toLocaleString("en")],
    figures: {
      ...summariseAll(own, "serverMicroseconds", "redisMicroseconds", "totalMicroseconds"),
      ...summariseAll(own, "playsPerServerSecond", "playsPerCpuSecond", "playsPerSecond"),
    },
  }));
  return {
    name: "batches",
    title: "R2: `POST /batch`, counts in Redis",
    labels: ["songs", "songs/request"],
    columns: {
      serverMicroseconds: ["server CPU µs/play", 2],
      redisMicroseconds: ["Redis CPU µs/play", 2],
      totalMicroseconds: ["CPU µs/play", 2],
      playsPerServerSecond: ["plays/server CPU second", 0],
      playsPerCpuSecond: ["plays/CPU second", 0],
      playsPerSecond: ["plays/s", 0],
    },
    rows,
    goals: rows.flatMap(toGoals),
    parameters,
  };
}

function toGoals(row: Row<keyof Trial>): Goal<keyof Trial>[] {
  const goal = { row, relation: "≥", value: GOAL } as const;
  const unit = "plays for each second of one core";
  return [
    { ...goal, figure: "playsPerServerSecond", unit: `${unit}, Redis excluded` },
    { ...goal, figure: "playsPerCpuSecond", unit: `${unit}, Redis included` },
  ];
}
