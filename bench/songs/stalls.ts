import process from "node:process";
import type { Goal, Part, Row } from "../part.ts";
import { shuffle, summarise } from "../statistics.ts";
import { type Plan, ROUNDS_OF_LONG } from "../suite.ts";
import { type Disturbance, DISTURBANCES } from "./disturbances.ts";
import { disturb, type Disturbed } from "./disturbed.ts";

const SONGS = 10_000_000;
const SMOKE_SONGS = 20_000;

type Figure = keyof Disturbed;

/** How long plays are kept waiting, and how much memory it takes, while something is done to many songs. */
export async function measureStalls({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const songs = smoke ? SMOKE_SONGS : SONGS;
  const taken = Math.min(rounds, ROUNDS_OF_LONG);
  const seen = new Map<Disturbance, Disturbed[]>(DISTURBANCES.map((what) => [what, []]));
  for (let round = 0; round < taken; round++) {
    process.stderr.write(`POST beside other requests, round ${round + 1}\n`);
    for (const what of shuffle(DISTURBANCES)) seen.get(what)?.push(await disturb(what, songs, smoke));
  }
  const rows = Array.from(seen, ([{ name }, disturbed]) => toRow(name, disturbed));
  return {
    name: "stalls",
    title: `\`POST\` beside other requests, with ${songs.toLocaleString("en")} songs`,
    labels: ["beside"],
    columns: [
      { figure: "p99Ms", head: "p99 ms", places: 2 },
      { figure: "slowestMs", head: "slowest ms", places: 1 },
      { figure: "beforeMiB", head: "MiB before", places: 0 },
      { figure: "mostMiB", head: "most MiB", places: 0 },
      { figure: "upMiB", head: "MiB more", places: 1 },
      { figure: "tookMs", head: "took ms", places: 1 },
    ],
    rows,
    goals: rows.flatMap(goalsOf),
    about: { rounds: taken, songs },
  };
}

function toRow(name: string, disturbed: readonly Disturbed[]): Row<Figure> {
  const sample = (figure: Figure) => summarise(disturbed.map((one) => one[figure]));
  return {
    labels: [name],
    figures: {
      p99Ms: sample("p99Ms"),
      slowestMs: sample("slowestMs"),
      beforeMiB: sample("beforeMiB"),
      mostMiB: sample("mostMiB"),
      upMiB: sample("upMiB"),
      tookMs: sample("tookMs"),
    },
  };
}

function goalsOf(row: Row<Figure>): Goal<Figure>[] {
  return [
    { row, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100 `POST`s" },
    { row, figure: "upMiB", relation: "≤", value: 64, unit: "MiB more" },
  ];
}
