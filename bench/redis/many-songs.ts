import { readFileSync } from "node:fs";
import process from "node:process";
import { end } from "../harness/children.ts";
import { makeFolder } from "../harness/folder.ts";
import type { Listing } from "../harness/list-reader-child.ts";
import { checkTotals, readAll, readFold } from "../harness/list-reader.ts";
import { load } from "../harness/oha.ts";
import { preload } from "../harness/preload.ts";
import { Redis } from "../harness/redis.ts";
import type { ResultTable } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { type RunningServer, sendRequest } from "../harness/server.ts";
import { songId, songIdPattern } from "../harness/song-id.ts";
import { percentile } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";
import { observe, runUnderLoad } from "../songs/open-loop-load.ts";
import { type Measurements, toTables } from "./many-songs-figures.ts";
import { measureSplitCpu, type SplitCpu } from "./split-cpu.ts";

const SIZES = [1000, 100_000, 1_000_000, 10_000_000] as const;
const SMOKE_SIZES = [100, 1000] as const;

/** More memory than a song takes in Redis and in the process that reads it. */
const BYTES_PER_SONG = 256;
/**
 * Capacity for the most songs, which are not spread evenly over the shards, and a time-out that no request
 * meets.
 */
const OPTIONS = ["--max-songs", "20000000", "--store-timeout", "10000"];

const CONNECTIONS = 64;
const REQUESTS = 50_000;
const SMOKE_REQUESTS = 640;

const WARM_UP_MS = 500;

/** Most songs that are played again between two folds. */
const SONGS_BETWEEN_FOLDS = 10_000;

/** A server, its plays so far, and its measurements. */
interface Case extends Measurements {
  server: RunningServer;
  plays: number;
}

/**
 * Measures how costs grow with the number of songs in Redis. Each number has its own server on the same
 * Redis.
 */
export async function measureManySongs({ rounds: wanted, smoke }: RunOptions): Promise<ResultTable[]> {
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const rounds = Math.min(wanted, MAX_LONG_ROUNDS);
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  await loadScripts(redis);
  const cases: Case[] = [];
  for (const songs of smoke ? SMOKE_SIZES : sizesThatFit()) cases.push(await prepare(redis, songs));
  // The first requests pay for the JIT compilers.
  if (!smoke) for (const current of cases) await play(redis, current, requests);
  await runRounds([cases], { title: "many songs in Redis", rounds }, async (current) => {
    current.posts.push(await play(redis, current, requests));
    await list(current);
  });
  for (const { server, songs, plays } of cases) await checkTotals(server.url, songs, plays);
  // Last, because a song that was sealed and played again is stored in two places.
  for (let fold = 1; fold <= rounds; fold++) {
    process.stderr.write(`many songs in Redis, fold ${fold} of ${rounds}\n`);
    for (const current of cases) await seal(current, fold);
  }
  return toTables(cases, { rounds, requests, connections: CONNECTIONS });
}

/** Returns the sizes for which there is memory together. */
function sizesThatFit(): number[] {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  let left = (Number(kibibytes) * 1024) / BYTES_PER_SONG;
  return SIZES.filter((songs) => {
    left -= songs;
    if (left < 0) process.stderr.write(`too little memory for ${songs} songs: left out\n`);
    return left >= 0;
  });
}

/** Loads all scripts into Redis, whose memory would otherwise be taken for that of the first songs. */
async function loadScripts(redis: Redis): Promise<void> {
  const { url, child } = await redis.startPlaycount("scripts");
  await preload(url, 1);
  await sendRequest(`${url}/song/${songId(0)}`, "POST");
  end(child);
}

async function prepare(redis: Redis, songs: number): Promise<Case> {
  process.stderr.write(`preloading Redis with ${songs} songs\n`);
  const server = await redis.startPlaycount(`of-${songs}`, ...OPTIONS);
  const before = await redis.usedMemory();
  const { totalMicroseconds } = await measureSplitCpu({ redis, servers: [server], count: songs }, () =>
    preload(server.url, songs),
  );
  const bytes = ((await redis.usedMemory()) - before) / songs;
  const measurements = {
    songs,
    bytes,
    preloadMicroseconds: totalMicroseconds,
    posts: [],
    lists: [],
    folds: [],
  };
  return { server, plays: songs, ...measurements };
}

async function play(redis: Redis, current: Case, requests: number): Promise<SplitCpu> {
  const url = `${current.server.url}/song/${songIdPattern(current.songs)}`;
  const { result: _, ...cpu } = await measureSplitCpu(
    { redis, servers: [current.server], count: requests },
    () => load(url, "POST", requests, { isPattern: true, connections: CONNECTIONS }),
  );
  current.plays += requests;
  return cpu;
}

/**
 * Reads all songs under load. Few connections, each waiting for Redis, could not keep the rate, and their
 * backlog would be measured: hence as many as in the other measurements.
 */
async function list(current: Case): Promise<void> {
  const { server, songs } = current;
  const underLoad = { url: server.url, songs, warmUpMs: WARM_UP_MS, connections: CONNECTIONS };
  const { span, latencyMs, played } = await runUnderLoad(underLoad, async () => {
    const listing = await readAll(server.url);
    await observe(listing);
    return listing;
  });
  check(span, songs);
  current.plays += played;
  current.lists.push({ listMs: span.ended - span.began, postMs: percentile(latencyMs, 0.99) });
}

/** Seals a fold, and reads the first fold, which has all songs. */
async function seal({ server: { url }, songs, folds }: Case, fold: number): Promise<void> {
  const replayed = Math.min(songs, SONGS_BETWEEN_FOLDS);
  if (fold > 1) await preload(url, replayed);
  const sealed = await readFold(url, fold);
  check(sealed, fold === 1 ? songs : replayed);
  const first = fold === 1 ? sealed : await readFold(url, 1);
  check(first, songs);
  folds.push({ sealMs: sealed.answered - sealed.began, foldMs: first.ended - first.began });
}

/** @throws {Error} if a list has another number of songs. */
function check(listing: Listing, songs: number): void {
  if (listing.songs !== songs) throw new Error(`listed ${listing.songs} songs of ${songs}`);
}
