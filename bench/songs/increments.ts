import { join } from "node:path";
import { writeBatches } from "../harness/batches.ts";
import { end, run } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { makeFolder } from "../harness/folder.ts";
import { load } from "../harness/oha.ts";
import { findRedisBenchmark } from "../harness/redis-programs.ts";
import { Redis } from "../harness/redis.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds, type Samples } from "../harness/rounds.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { checkPlays, startPreloaded } from "./preloaded.ts";

const SONGS = 10_000;
/** Songs of a batch, and commands of a pipeline. */
const SIZE = 1000;
const CONNECTIONS = 32;

/** Plays of a trial. */
const PLAYS = 2_000_000;
const SMOKE_PLAYS = 50_000;

/** Most processor time of a play, as a multiple of that of a pipelined `INCR`. */
const GOAL = 1;

/** redis-benchmark replaces the marker by 12 digits, so keys have 14 bytes as song ids do. */
const KEY = "so__rand_int__";

interface Trial {
  cpuNanoseconds: number;
}

type Figure = keyof Trial | "ratio";

interface Subject {
  name: string;
  /** Id of the process group. */
  pid: number;
  send: (plays: number) => Promise<unknown>;
}

/**
 * Compares a play in a batch in memory with a pipelined `INCR` of Redis, by the processor time of the server.
 */
export async function measureIncrements(options: RunOptions): Promise<ResultTable<Figure>> {
  const { rounds, smoke } = options;
  const warmUp = warmUpRounds(options);
  const plays = smoke ? SMOKE_PLAYS : PLAYS;
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const { url, child } = await startPreloaded(SONGS);
  try {
    const bodies = join(folder.path, "batches");
    await writeBatches(bodies, SONGS, SIZE);
    const batch: Subject = {
      name: "`POST /batch`, playcount in memory",
      pid: child.pid,
      send: (plays) =>
        load(`${url}/batch`, "POST", plays / SIZE, { bodies, type: "text/plain", connections: CONNECTIONS }),
    };
    const increment: Subject = {
      name: "pipelined `INCR`, Redis",
      pid: redis.child.pid,
      send: (plays) => sendIncrements(redis.port, plays),
    };
    const trials = await runRounds(
      [[batch, increment]],
      { title: "batches and INCR", rounds, warmUp },
      ({ pid, send }) => runTrial(pid, plays, send),
    );
    const played = (warmUp + rounds) * plays;
    await checkPlays(url, SONGS, played);
    await checkIncrements(redis, played);
    return toTable(trials, increment, { rounds, warmUp, plays, songs: SONGS });
  } finally {
    end(child);
  }
}

async function runTrial(pid: number, plays: number, send: Subject["send"]): Promise<Trial> {
  const { total } = await measureCpu(pid, () => send(plays));
  return { cpuNanoseconds: total / plays };
}

async function sendIncrements(port: number, plays: number): Promise<void> {
  const size = ["-n", String(plays), "-P", String(SIZE), "-c", String(CONNECTIONS), "-r", String(SONGS)];
  await run([findRedisBenchmark(), "-p", String(port), "-q", ...size, "INCR", KEY]);
}

/** @throws {Error} unless Redis has counted `plays` plays. */
async function checkIncrements(redis: Redis, plays: number): Promise<void> {
  const keys = Array.from({ length: SONGS }, (_, song) => KEY.slice(0, 2) + String(song).padStart(12, "0"));
  const counted = await redis.sum(keys);
  if (counted !== plays) throw new Error(`Redis was sent ${plays} increments and counted ${counted}`);
}

function toTable(
  trials: Samples<Subject, Trial>,
  base: Subject,
  parameters: ResultTable["parameters"],
): ResultTable<Figure> {
  const rows = Array.from(trials, ([{ name }, own]) => ({
    labels: [name],
    figures: {
      ...summariseAll(own, "cpuNanoseconds"),
      ratio: summariseRatio(own, trials.get(base), "cpuNanoseconds"),
    },
  }));
  const row = rows[0] as Row<Figure>;
  return {
    name: "increments",
    title: "A play in a batch of 1,000 and a pipelined `INCR` of Redis",
    labels: ["server"],
    columns: { cpuNanoseconds: ["server CPU ns/play", 0], ratio: ["× `INCR`", 2] },
    rows,
    goals: [{ row, figure: "ratio", relation: "≤", value: GOAL, unit: "× the CPU of an `INCR`" }],
    parameters,
  };
}
