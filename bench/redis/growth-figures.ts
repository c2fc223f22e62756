import type { Part, Row } from "../part.ts";
import { ratios, summarise } from "../statistics.ts";
import type { SplitCpu } from "./cpu.ts";

/** What was seen of so many songs, in the order of the rounds. */
export interface Seen {
  /** Of Redis, for each song. */
  bytes: number[];
  /** Microseconds of processor time for each song that is new. */
  filling: number[];
  /** For each `POST`. */
  cpu: SplitCpu[];
  lists: { listMs: number; playMs: number }[];
  folds: { sealMs: number; foldMs: number }[];
}

/** What was seen by how many songs there are, the fewest first. */
type SeenBySongs = ReadonlyMap<number, Seen>;

type CpuFigure = keyof SplitCpu | "bytes" | "filling" | "ratio";
type ListFigure = "listMs" | "playMs" | "sealMs" | "foldMs";

const CPU_COLUMNS: Part<CpuFigure>["columns"] = [
  { figure: "bytes", head: "bytes/song", places: 1 },
  { figure: "filling", head: "CPU µs/new song", places: 1 },
  { figure: "serverMicroseconds", head: "server CPU µs", places: 1 },
  { figure: "redisMicroseconds", head: "Redis CPU µs", places: 1 },
  { figure: "sumMicroseconds", head: "CPU µs/`POST`", places: 1 },
  { figure: "ratio", head: "CPU × fewest songs", places: 2 },
];

const LIST_COLUMNS: Part<ListFigure>["columns"] = [
  { figure: "listMs", head: "`GET /` ms", places: 0 },
  { figure: "playMs", head: "p99 ms of `POST` meanwhile", places: 2 },
  { figure: "sealMs", head: "`PUT /folds/n` ms", places: 1 },
  { figure: "foldMs", head: "reading a fold of all ms", places: 0 },
];

/** Makes two tables of it, one of processor time and memory, and one of what is done to all songs. */
export function toParts(seen: SeenBySongs, about: Part["about"]): Part[] {
  const all = [...seen];
  const base = all[0]?.[1].cpu ?? [];
  const cpu = all.map(([songs, one]) => toCpuRow(songs, one, base));
  const lists = all.map(([songs, one]) => toListRow(songs, one));
  const [most, mostListed] = [cpu.at(-1), lists.at(-1)] as [Row<CpuFigure>, Row<ListFigure>];
  return [
    {
      name: "growth",
      title: "R3: `POST` to songs at random, counts in Redis",
      labels: ["songs"],
      columns: CPU_COLUMNS,
      rows: cpu,
      goals: [
        { row: most, figure: "ratio", relation: "≤", value: 1.15, unit: "× the CPU with the fewest songs" },
      ],
      about,
    },
    {
      name: "lists",
      title: "R3: listing and sealing all songs, counts in Redis",
      labels: ["songs"],
      columns: LIST_COLUMNS,
      rows: lists,
      goals: [
        { row: mostListed, figure: "playMs", relation: "≤", value: 5, unit: "ms for 99 of 100 `POST`s" },
      ],
      about,
    },
  ];
}

function toCpuRow(songs: number, { bytes, filling, cpu }: Seen, base: readonly SplitCpu[]): Row<CpuFigure> {
  const values = (of: readonly SplitCpu[], figure: keyof SplitCpu) => of.map((slice) => slice[figure]);
  return {
    labels: [songs.toLocaleString("en")],
    figures: {
      bytes: summarise(bytes),
      filling: summarise(filling),
      serverMicroseconds: summarise(values(cpu, "serverMicroseconds")),
      redisMicroseconds: summarise(values(cpu, "redisMicroseconds")),
      sumMicroseconds: summarise(values(cpu, "sumMicroseconds")),
      ratio: summarise(ratios(values(cpu, "sumMicroseconds"), values(base, "sumMicroseconds"))),
    },
  };
}

function toListRow(songs: number, { lists, folds }: Seen): Row<ListFigure> {
  return {
    labels: [songs.toLocaleString("en")],
    figures: {
      listMs: summarise(lists.map(({ listMs }) => listMs)),
      playMs: summarise(lists.map(({ playMs }) => playMs)),
      sealMs: summarise(folds.map(({ sealMs }) => sealMs)),
      foldMs: summarise(folds.map(({ foldMs }) => foldMs)),
    },
  };
}
