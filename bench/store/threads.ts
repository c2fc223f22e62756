import process from "node:process";
import { run } from "../children.ts";
import type { Part, Row } from "../part.ts";
import { ratios, shuffle, summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";

const SONGS = 1_000_000;
const SMOKE_SONGS = 20_000;

/** How often each thread adds a play to as many songs as there are. */
const PASSES = 3;

interface Case {
  name: string;
  threads: number;
  stores: number;
}

const ALONE: Case = { name: "one", threads: 1, stores: 1 };
const TOGETHER: Case = { name: "one", threads: 2, stores: 1 };
/** Who shares nothing is as fast as the machine lets two threads be. */
const APART: Case = { name: "one for each", threads: 2, stores: 2 };
const CASES = [ALONE, TOGETHER, APART];

type Figure = "perSecond" | "ratio";

/** How much faster two threads add plays to one store than one thread does. */
export async function measureThreads({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const songs = smoke ? SMOKE_SONGS : SONGS;
  const seen = await takeRounds(songs, rounds);
  const [alone, together, apart] = [toRow(ALONE, seen), toRow(TOGETHER, seen), toRow(APART, seen)];
  return {
    name: "threads",
    title: `Threads that add to ${songs.toLocaleString("en")} songs`,
    labels: ["threads", "stores"],
    columns: [
      { figure: "perSecond", head: "additions/s", places: 0 },
      { figure: "ratio", head: "× one thread", places: 2 },
    ],
    rows: [alone, together, apart],
    goals: [
      { row: together, figure: "ratio", relation: "≥", value: 1.7, unit: "× the additions of one thread" },
    ],
    about: { rounds, songs, passes: PASSES },
  };
}

type Seen = ReadonlyMap<Case, number[]>;

async function takeRounds(songs: number, rounds: number): Promise<Seen> {
  const seen = new Map<Case, number[]>(CASES.map((one) => [one, []]));
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`threads, round ${round + 1}\n`);
    for (const one of shuffle(CASES)) {
      const args = [one.threads, one.stores, songs, PASSES].map(String);
      const output = await run([process.execPath, "bench/store/threads-child.ts", ...args]);
      seen.get(one)?.push(JSON.parse(output) as number);
    }
  }
  return seen;
}

function toRow(one: Case, seen: Seen): Row<Figure> {
  const perSecond = seen.get(one) ?? [];
  return {
    labels: [String(one.threads), one.name],
    figures: {
      perSecond: summarise(perSecond),
      ratio: summarise(ratios(perSecond, seen.get(ALONE) ?? [])),
    },
  };
}
