import type { Load } from "../harness/oha.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import type { Samples } from "../harness/rounds.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import type { Method } from "../http/figures.ts";
import type { SplitCpu } from "./split-cpu.ts";
import { ONE, type Subject, WEBDIS } from "./subjects.ts";

/** A kind of load. */
export interface LoadKind {
  method: Method;
  /** Connections to all servers together. */
  connections: number;
  /** Most processor time of playcount and Redis, as a multiple of that of webdis and Redis. */
  goal?: number;
}

export const LOADS: readonly LoadKind[] = [
  { method: "POST", connections: 64, goal: 0.97 },
  { method: "POST", connections: 256, goal: 1 },
  { method: "GET", connections: 64 },
];

/** A subject under a kind of load. */
export interface Case {
  subject: Subject;
  load: LoadKind;
}

/** One trial; processor time is for each request. */
export type Trial = SplitCpu & Pick<Load, "requestsPerSecond" | "p99Ms">;

export type Figure = keyof Trial | "ofWebdis";

export function toTable(
  trials: Samples<Case, Trial>,
  parameters: ResultTable["parameters"],
): ResultTable<Figure> {
  const rows = Array.from(trials, ([current, own]) => toRow(current, own, trials));
  return {
    name: "posts",
    title: "R1: one song of 10,000, counts in Redis",
    labels: ["request", "connections", "server"],
    columns: {
      serverMicroseconds: ["server CPU µs", 1],
      redisMicroseconds: ["Redis CPU µs", 1],
      totalMicroseconds: ["CPU µs/request", 1],
      ofWebdis: ["CPU × webdis", 2],
      requestsPerSecond: ["requests/s", 0],
      p99Ms: ["p99 ms", 2],
    },
    rows,
    goals: [...trials.keys()].flatMap((current, at) => toGoals(current, rows[at] as Row<Figure>)),
    parameters,
  };
}

function toRow({ subject, load }: Case, own: Trial[], trials: Samples<Case, Trial>): Row<Figure> {
  const [, webdis] =
    [...trials].find(([current]) => current.load === load && current.subject.name === WEBDIS) ?? [];
  return {
    labels: [`\`${load.method}\``, String(load.connections), subject.name],
    figures: {
      ...summariseAll(own, "serverMicroseconds", "redisMicroseconds", "totalMicroseconds"),
      ofWebdis: summariseRatio(own, webdis, "totalMicroseconds"),
      ...summariseAll(own, "requestsPerSecond", "p99Ms"),
    },
  };
}

function toGoals({ subject, load }: Case, row: Row<Figure>): Goal<Figure>[] {
  if (subject.name !== ONE || load.goal === undefined) return [];
  const unit = "× the CPU of webdis and Redis";
  return [{ row, figure: "ofWebdis", relation: "≤", value: load.goal, unit }];
}
