import { readFileSync } from "node:fs";
import process from "node:process";
import { end } from "../children.ts";
import { makeFolder } from "../folder.ts";
import { load } from "../oha.ts";
import type { Part } from "../part.ts";
import { ask, type RunningServer } from "../server.ts";
import { songId, songIdPattern } from "../song-id.ts";
import { lookOn, playBeside } from "../songs/beside.ts";
import { readAll, readFold } from "../songs/filled.ts";
import type { Listing } from "../songs/reader-child.ts";
import { percentile, shuffle } from "../statistics.ts";
import { type Plan, ROUNDS_OF_LONG } from "../suite.ts";
import { splitCpu, type SplitCpu } from "./cpu.ts";
import { checkListing, playEach } from "./filling.ts";
import { type Seen, toParts } from "./growth-figures.ts";
import { Redis } from "./redis.ts";

const SIZES = [1000, 100_000, 1_000_000, 10_000_000] as const;
const SMOKE_SIZES = [100, 1000] as const;

/** More than a song takes in Redis, and what reads it meanwhile. */
const BYTES_A_SONG = 256;
/** Room for more than the largest, as shards are given some more than they have; and to wait rather than to fail. */
const OPTIONS = ["--max-songs", "20000000", "--store-timeout", "10000"];

const CONNECTIONS = 64;
const REQUESTS = 50_000;
const SMOKE_REQUESTS = 640;

const WARM_UP_MS = 500;

/** Most songs that are played again between two folds. */
const BETWEEN_FOLDS = 10_000;

/** A server, how many songs it has, how often they were played, and what was seen of it. */
interface Filled {
  server: RunningServer;
  songs: number;
  plays: number;
  seen: Seen;
}

/** How the cost grows with the number of songs in Redis: all numbers side by side, each with a server of its own. */
export async function measureGrowth({ rounds, smoke }: Plan): Promise<Part[]> {
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const taken = Math.min(rounds, ROUNDS_OF_LONG);
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  await loadScripts(redis);
  const all: Filled[] = [];
  for (const songs of smoke ? SMOKE_SIZES : whatFits()) all.push(await fill(redis, songs));
  // Compilers are at work until then.
  if (!smoke) for (const one of all) await play(redis, one, requests);
  for (let round = 0; round < taken; round++) {
    process.stderr.write(`many songs in Redis, round ${round + 1}\n`);
    for (const one of shuffle(all)) {
      one.seen.cpu.push(await play(redis, one, requests));
      await list(one);
    }
  }
  for (const { server, songs, plays } of all) await checkListing(server.url, songs, plays);
  // Behind all else, as a song that was sealed and played again is looked for in two places.
  for (let fold = 1; fold <= taken; fold++) {
    process.stderr.write(`many songs in Redis, fold ${fold}\n`);
    for (const one of all) await seal(one, fold);
  }
  const seen = new Map(all.map(({ songs, seen }) => [songs, seen]));
  return toParts(seen, { rounds: taken, requests, connections: CONNECTIONS });
}

/** The sizes that there is memory for, one beside the other. */
function whatFits(): number[] {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  let left = (Number(kibibytes) * 1024) / BYTES_A_SONG;
  return SIZES.filter((songs) => {
    left -= songs;
    if (left < 0) process.stderr.write(`no memory for ${songs} songs: they are left out\n`);
    return left >= 0;
  });
}

/** What Redis keeps of scripts is not to be taken for memory of songs. */
async function loadScripts(redis: Redis): Promise<void> {
  const { url, child } = await redis.startPlaycount("scripts");
  await playEach(url, 1);
  await ask(`${url}/song/${songId(0)}`, "POST");
  end(child);
}

async function fill(redis: Redis, songs: number): Promise<Filled> {
  process.stderr.write(`filling Redis with ${songs} songs\n`);
  const server = await redis.startPlaycount(`of-${songs}`, ...OPTIONS);
  const before = await redis.usedMemory();
  const filling = { redis, servers: [server], times: songs };
  const { sumMicroseconds } = await splitCpu(filling, () => playEach(server.url, songs));
  const bytes = ((await redis.usedMemory()) - before) / songs;
  const seen = { bytes: [bytes], filling: [sumMicroseconds], cpu: [], lists: [], folds: [] };
  return { server, songs, plays: songs, seen };
}

async function play(redis: Redis, one: Filled, requests: number): Promise<SplitCpu> {
  const url = `${one.server.url}/song/${songIdPattern(one.songs)}`;
  const { result: _, ...cpu } = await splitCpu({ redis, servers: [one.server], times: requests }, () =>
    load(url, "POST", requests, { isPattern: true, connections: CONNECTIONS }),
  );
  one.plays += requests;
  return cpu;
}

/**
 * Reads all songs while plays come in, over as many connections as otherwise: a few that each wait for Redis could not
 * keep the pace, and what was measured would be how far they fall behind.
 */
async function list(one: Filled): Promise<void> {
  const { server, songs, seen } = one;
  const beside = { url: server.url, songs, warmUpMs: WARM_UP_MS, connections: CONNECTIONS };
  const { span, tookMs, played } = await playBeside(beside, async () => {
    const listing = await readAll(server.url);
    await lookOn(listing);
    return listing;
  });
  check(span, songs);
  one.plays += played;
  seen.lists.push({ listMs: span.ended - span.began, playMs: percentile(tookMs, 0.99) });
}

/** Seals a fold, the first one with all songs, and reads the first one. */
async function seal({ server: { url }, songs, seen }: Filled, fold: number): Promise<void> {
  const again = Math.min(songs, BETWEEN_FOLDS);
  if (fold > 1) await playEach(url, again);
  const sealed = await readFold(url, fold);
  check(sealed, fold === 1 ? songs : again);
  const first = fold === 1 ? sealed : await readFold(url, 1);
  check(first, songs);
  seen.folds.push({ sealMs: sealed.answered - sealed.began, foldMs: first.ended - first.began });
}

function check(listing: Listing, songs: number): void {
  if (listing.songs === songs) return;
  throw new Error(`a listing has ${listing.songs} songs, and there are ${songs}`);
}
