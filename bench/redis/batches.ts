import { join } from "node:path";
import process from "node:process";
import { makeFolder } from "../folder.ts";
import { load } from "../oha.ts";
import type { Part, Row } from "../part.ts";
import type { RunningServer } from "../server.ts";
import { songId } from "../song-id.ts";
import { shuffle, summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import { splitCpu, type SplitCpu } from "./cpu.ts";
import { checkListing, playEach } from "./filling.ts";
import { Redis } from "./redis.ts";

const SONGS = [100_000, 1_000_000] as const;
const SMOKE_SONGS = [10_000, 20_000] as const;
/** Songs of a request. */
const SIZES = [1000, 10_000] as const;

/** Plays of a slice. */
const PLAYS = 500_000;
const SMOKE_PLAYS = 20_000;

/** Few, as batch jobs have: enough that the server and Redis can be at work at once. */
const CONNECTIONS = 4;

/** Rounds that are not looked at, while compilers are still at work. */
const WARM_UP = 1;

/** What each of the two goals wants: plays for each second of one core. */
const GOAL = 300_000;

type Figure = keyof SplitCpu | "playsPerServerSecond" | "playsPerCpuSecond" | "playsPerSecond";

/** Batches of one size to a server, which has so many songs. */
interface Kind {
  server: RunningServer;
  songs: number;
  size: number;
  /** The path of the batches, a line each. */
  batches: string;
}

/** Processor time for each play. */
type Slice = SplitCpu & { playsPerSecond: number };

/** What it costs to count plays in Redis that come together. */
export async function measureBatches({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const kinds: Kind[] = [];
  for (const songs of smoke ? SMOKE_SONGS : SONGS) kinds.push(...(await prepare(redis, songs, folder.path)));
  const plays = smoke ? SMOKE_PLAYS : PLAYS;
  const warmUp = smoke ? 0 : WARM_UP;
  const seen = new Map<Kind, Slice[]>(kinds.map((kind) => [kind, []]));
  for (let round = -warmUp; round < rounds; round++) {
    process.stderr.write(`POST /batch to Redis, round ${round + 1}\n`);
    for (const kind of shuffle(kinds)) {
      const slice = await takeSlice(redis, kind, plays);
      if (round >= 0) seen.get(kind)?.push(slice);
    }
  }
  const played = (warmUp + rounds) * SIZES.length * plays;
  for (const { server, songs, size } of kinds)
    if (size === SIZES[0]) await checkListing(server.url, songs, songs + played);
  return toPart(seen, { rounds, warmUp, plays, connections: CONNECTIONS });
}

/** Starts a server, plays each of its songs once, and writes them down in batches of each size. */
async function prepare(redis: Redis, songs: number, folder: string): Promise<Kind[]> {
  const server = await redis.startPlaycount(`of-${songs}`);
  await playEach(server.url, songs);
  const pairs = shuffle(Array.from({ length: songs }, (_, song) => `${songId(song)}=1`));
  const kinds: Kind[] = [];
  for (const size of SIZES) {
    const batches = join(folder, `${songs}-by-${size}`);
    const lines = Array.from({ length: songs / size }, (_, at) =>
      pairs.slice(at * size, (at + 1) * size).join(),
    );
    await Bun.write(batches, lines.join("\n"));
    kinds.push({ server, songs, size, batches });
  }
  return kinds;
}

async function takeSlice(redis: Redis, { server, size, batches }: Kind, plays: number): Promise<Slice> {
  const { result, ...cpu } = await splitCpu({ redis, servers: [server], times: plays }, () =>
    load(`${server.url}/batch`, "POST", plays / size, {
      bodies: batches,
      type: "text/plain",
      fields: ["Prefer: return=minimal"],
      status: 204,
      connections: Math.min(CONNECTIONS, plays / size),
    }),
  );
  return { ...cpu, playsPerSecond: result.requestsPerSecond * size };
}

function toPart(seen: ReadonlyMap<Kind, Slice[]>, about: Part["about"]): Part<Figure> {
  const rows = Array.from(seen, ([kind, slices]) => toRow(kind, slices));
  return {
    name: "batches",
    title: "R2: `POST /batch`, counts in Redis",
    labels: ["songs", "songs/request"],
    columns: [
      { figure: "serverMicroseconds", head: "server CPU µs/play", places: 2 },
      { figure: "redisMicroseconds", head: "Redis CPU µs/play", places: 2 },
      { figure: "sumMicroseconds", head: "CPU µs/play", places: 2 },
      { figure: "playsPerServerSecond", head: "plays/server CPU second", places: 0 },
      { figure: "playsPerCpuSecond", head: "plays/CPU second", places: 0 },
      { figure: "playsPerSecond", head: "plays/s", places: 0 },
    ],
    rows,
    goals: rows.flatMap((row) => [
      {
        row,
        figure: "playsPerServerSecond" as const,
        relation: "≥" as const,
        value: GOAL,
        unit: "plays for each second of the server's core",
      },
      {
        row,
        figure: "playsPerCpuSecond" as const,
        relation: "≥" as const,
        value: GOAL,
        unit: "plays for each second of one core, Redis included",
      },
    ]),
    about,
  };
}

function toRow({ songs, size }: Kind, slices: readonly Slice[]): Row<Figure> {
  const sample = (figure: keyof Slice) => summarise(slices.map((slice) => slice[figure]));
  const perSecond = (figure: keyof SplitCpu) => summarise(slices.map((slice) => 1e6 / slice[figure]));
  return {
    labels: [songs.toLocaleString("en"), size.toLocaleString("en")],
    figures: {
      serverMicroseconds: sample("serverMicroseconds"),
      redisMicroseconds: sample("redisMicroseconds"),
      sumMicroseconds: sample("sumMicroseconds"),
      playsPerServerSecond: perSecond("serverMicroseconds"),
      playsPerCpuSecond: perSecond("sumMicroseconds"),
      playsPerSecond: sample("playsPerSecond"),
    },
  };
}
