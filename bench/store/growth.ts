import process from "node:process";
import { run } from "../children.ts";
import type { Goal, Part, Row } from "../part.ts";
import { ratios, shuffle, summarise } from "../statistics.ts";
import { type Plan, ROUNDS_OF_LONG } from "../suite.ts";
import type { CounterKind } from "./counters.ts";
import type { Growth } from "./growth-child.ts";

const SIZES = [1_000_000, 10_000_000];
const SMOKE_SIZES = [20_000, 100_000];

const NAMES: Record<CounterKind, string> = {
  own: "packed in growable memory",
  shared: "packed in shared memory",
  map: "`Map`",
};

type Figure = keyof Growth | "ratio";

/** What it costs to grow from no song to many: by song, and at the worst moment. */
export async function measureGrowth({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const sizes = smoke ? SMOKE_SIZES : SIZES;
  const taken = Math.min(rounds, ROUNDS_OF_LONG);
  const kinds = Object.keys(NAMES) as CounterKind[];
  const rows: Row<Figure>[] = [];
  for (const songs of sizes) {
    const seen = await takeRounds(kinds, songs, taken);
    rows.push(...kinds.map((kind) => toRow(songs, kind, seen)));
  }
  return {
    name: "growth",
    title: "Growing from no song to many",
    labels: ["songs", "store"],
    columns: [
      { figure: "bytesPerSong", head: "bytes/song", places: 1 },
      { figure: "slowestMs", head: "slowest addition ms", places: 2 },
      { figure: "meanNanoseconds", head: "ns/addition", places: 0 },
      { figure: "ratio", head: "ns × growable", places: 2 },
    ],
    rows,
    goals: rows.flatMap((row) => goalsOf(row, sizes)),
    about: { rounds: taken },
  };
}

type Seen = Record<CounterKind, Growth[]>;

async function takeRounds(kinds: readonly CounterKind[], songs: number, rounds: number): Promise<Seen> {
  const seen: Seen = { own: [], shared: [], map: [] };
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`growing to ${songs} songs, round ${round + 1}\n`);
    for (const kind of shuffle(kinds)) {
      const command = [process.execPath, "bench/store/growth-child.ts", kind, String(songs)];
      seen[kind].push(JSON.parse(await run(command)) as Growth);
    }
  }
  return seen;
}

function toRow(songs: number, kind: CounterKind, seen: Seen): Row<Figure> {
  const values = (of: CounterKind, figure: keyof Growth) => seen[of].map((growth) => growth[figure]);
  const nanoseconds = values(kind, "meanNanoseconds");
  return {
    labels: [songs.toLocaleString("en"), NAMES[kind]],
    figures: {
      bytesPerSong: summarise(values(kind, "bytesPerSong")),
      slowestMs: summarise(values(kind, "slowestMs")),
      meanNanoseconds: summarise(nanoseconds),
      ratio: summarise(ratios(nanoseconds, values("own", "meanNanoseconds"))),
    },
  };
}

function goalsOf(row: Row<Figure>, sizes: readonly number[]): Goal<Figure>[] {
  const [songs, name] = row.labels;
  if (name === NAMES.map) return [];
  const memory = { row, figure: "bytesPerSong", relation: "≤", value: 48, unit: "bytes a song" } as const;
  const isLargest = songs === sizes.at(-1)?.toLocaleString("en");
  const slowest = {
    row,
    figure: "slowestMs",
    relation: "≤",
    value: 5,
    unit: "ms for the slowest addition",
  } as const;
  return isLargest ? [memory, slowest] : [memory];
}
