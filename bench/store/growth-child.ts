/**
 * `bun growth-child.ts KIND SONGS` adds SONGS songs to an empty counter, and prints a {@linkcode Growth} as
 * JSON.
 */
import process from "node:process";
import { readMemory } from "../harness/memory.ts";
import { songId } from "../harness/song-id.ts";
import { type Counter, type CounterKind, makeCounter } from "./counters.ts";

/** Figures of a counter's growth. */
export interface Growth {
  bytesPerSong: number;
  /** Mean time of an addition, including two readings of the clock. */
  meanNanoseconds: number;
  slowestMs: number;
}

const WARM_UP_SONGS = 20_000;
const WARM_UPS = 5;

/** Memory is settled when two readings differ by less. */
const SETTLED_BYTES = 64 * 1024;
const MAX_READINGS = 20;

const [kind, songs] = process.argv.slice(2);
console.log(JSON.stringify(await measure(makeCounter[kind as CounterKind], Number(songs))));

async function measure(make: () => Counter, songs: number): Promise<Growth> {
  for (let turn = 0; turn < WARM_UPS; turn++) grow(make(), WARM_UP_SONGS);
  const before = await settledMemory();
  const counter = make();
  const times = grow(counter, songs);
  const after = await settledMemory();
  check(counter, songs);
  return { bytesPerSong: (after - before) / songs, ...times };
}

function grow({ add }: Counter, songs: number): Omit<Growth, "bytesPerSong"> {
  let sum = 0;
  let slowest = 0;
  for (let song = 0; song < songs; song++) {
    const id = songId(song);
    const began = Bun.nanoseconds();
    add(id);
    const took = Bun.nanoseconds() - began;
    sum += took;
    if (took > slowest) slowest = took;
  }
  return { meanNanoseconds: sum / songs, slowestMs: slowest / 1e6 };
}

/** Returns the resident memory without garbage, which the collector returns to the system with a delay. */
async function settledMemory(): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < MAX_READINGS; reading++) {
    Bun.gc(true);
    await Bun.sleep(50);
    const { resident } = readMemory("self");
    if (last - resident < SETTLED_BYTES) return resident;
    last = resident;
  }
  return last;
}

/** @throws {Error} unless `songs` songs have one play each. */
function check({ get, songs: count }: Counter, songs: number): void {
  if (count() !== songs) throw new Error(`added ${songs} songs, and counted ${count()}`);
  for (let song = 0; song < songs; song++) {
    const plays = get(songId(song));
    if (plays !== 1) throw new Error(`played ${songId(song)} once, and counted ${plays} plays`);
  }
}
