/** `bun growth-child.ts KIND SONGS` grows a counter from no song to SONGS, and prints a {@linkcode Growth} as JSON. */
import process from "node:process";
import { readMemory } from "../memory.ts";
import { songId } from "../song-id.ts";
import { type Counter, type CounterKind, makeCounter } from "./counters.ts";

/** What was seen while a counter grew. */
export interface Growth {
  bytesPerSong: number;
  /** Of an addition, the two looks at the clock around it included. */
  meanNanoseconds: number;
  slowestMs: number;
}

const WARM_UP_SONGS = 20_000;
const WARM_UPS = 5;

/** Memory that differs by less than this between two looks is settled. */
const SETTLED_BYTES = 64 * 1024;
const MOST_LOOKS = 20;

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

/** The resident memory without garbage, which the collector gives back to the system only after a while. */
async function settledMemory(): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let look = 0; look < MOST_LOOKS; look++) {
    Bun.gc(true);
    await Bun.sleep(50);
    const { resident } = readMemory("self");
    if (last - resident < SETTLED_BYTES) return resident;
    last = resident;
  }
  return last;
}

/** @throws {Error} unless there are `songs` songs, and each was played once. */
function check({ get, songs: count }: Counter, songs: number): void {
  if (count() !== songs) throw new Error(`${songs} songs were added, and there are ${count()}`);
  for (let song = 0; song < songs; song++) {
    const plays = get(songId(song));
    if (plays !== 1) throw new Error(`${songId(song)} was played once, and counted ${plays} times`);
  }
}
