import type { ResultTable, Row } from "../harness/result-table.ts";
import { summarise, summariseAll, summariseRatio } from "../harness/statistics.ts";
import type { SplitCpu } from "./split-cpu.ts";

/** Measurements of a server with a number of songs, in the order of the rounds. */
export interface Measurements {
  songs: number;
  /** Memory of Redis for each song. */
  bytes: number;
  /** Microseconds of processor time for each new song. */
  preloadMicroseconds: number;
  /** For each `POST`. */
  posts: SplitCpu[];
  lists: { listMs: number; postMs: number }[];
  folds: { sealMs: number; foldMs: number }[];
}

type PostFigure = keyof SplitCpu | "bytes" | "preloadMicroseconds" | "ratio";
type ListFigure = "listMs" | "postMs" | "sealMs" | "foldMs";

/**
 * Builds a table of processor time and memory, and a table of operations on all songs; the fewest songs come
 * first.
 */
export function toTables(all: readonly Measurements[], parameters: ResultTable["parameters"]): ResultTable[] {
  return [postTable(all, parameters), listTable(all, parameters)];
}

function postTable(
  all: readonly Measurements[],
  parameters: ResultTable["parameters"],
): ResultTable<PostFigure> {
  const rows = all.map((current) => toPostRow(current, all[0]?.posts));
  const row = rows.at(-1) as Row<PostFigure>;
  return {
    name: "growth",
    title: "R3: `POST` to songs at random, counts in Redis",
    labels: ["songs"],
    columns: {
      bytes: ["bytes/song", 1],
      preloadMicroseconds: ["CPU µs/new song", 1],
      serverMicroseconds: ["server CPU µs", 1],
      redisMicroseconds: ["Redis CPU µs", 1],
      totalMicroseconds: ["CPU µs/`POST`", 1],
      ratio: ["CPU × fewest songs", 2],
    },
    rows,
    goals: [{ row, figure: "ratio", relation: "≤", value: 1.15, unit: "× the CPU with the fewest songs" }],
    parameters,
  };
}

function toPostRow(
  { songs, bytes, preloadMicroseconds, posts }: Measurements,
  base: readonly SplitCpu[] | undefined,
): Row<PostFigure> {
  return {
    labels: [songs.toLocaleString("en")],
    figures: {
      bytes: summarise([bytes]),
      preloadMicroseconds: summarise([preloadMicroseconds]),
      ...summariseAll(posts, "serverMicroseconds", "redisMicroseconds", "totalMicroseconds"),
      ratio: summariseRatio(posts, base, "totalMicroseconds"),
    },
  };
}

function listTable(
  all: readonly Measurements[],
  parameters: ResultTable["parameters"],
): ResultTable<ListFigure> {
  const rows = all.map(({ songs, lists, folds }) => ({
    labels: [songs.toLocaleString("en")],
    figures: { ...summariseAll(lists, "listMs", "postMs"), ...summariseAll(folds, "sealMs", "foldMs") },
  }));
  return {
    name: "lists",
    title: "R3: listing and sealing all songs, counts in Redis",
    labels: ["songs"],
    columns: {
      listMs: ["`GET /` ms", 0],
      postMs: ["p99 ms of `POST` meanwhile", 2],
      sealMs: ["`PUT /folds/n` ms", 1],
      foldMs: ["reading a fold of all ms", 0],
    },
    rows,
    goals: rows.map((row) => ({
      row,
      figure: "postMs",
      relation: "≤",
      value: 5,
      unit: "ms for 99 of 100 `POST`s",
    })),
    parameters,
  };
}
