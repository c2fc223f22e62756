import type { Load } from "../harness/oha.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { CEILING, FLOOR, ON_BUN } from "./subjects.ts";

export const METHODS = ["GET", "POST"] as const;
export type Method = (typeof METHODS)[number];

/** Most processor time of playcount on Bun, as a multiple of the floor's. */
const GOALS: Record<Method, number> = { GET: 1.05, POST: 1.08 };

/** One trial; processor time is the server's, for each request. */
export interface Trial extends Load {
  cpuMicroseconds: number;
  userMicroseconds: number;
  systemMicroseconds: number;
}

/** Trials of each subject by its name, in the order of the rounds. */
export type Trials = ReadonlyMap<string, Readonly<Record<Method, Trial[]>>>;

type Figure = keyof Trial | "ofCeiling" | "ofFloor";

export function toTable(trials: Trials, parameters: ResultTable["parameters"]): ResultTable<Figure> {
  const rows = METHODS.flatMap((method) => [...trials.keys()].map((name) => toRow(name, method, trials)));
  return {
    name: "one-song",
    title: "One song",
    labels: ["request", "server"],
    columns: {
      requestsPerSecond: ["requests/s", 0],
      p50Ms: ["p50 ms", 2],
      p99Ms: ["p99 ms", 2],
      cpuMicroseconds: ["CPU µs/request", 1],
      userMicroseconds: ["user µs", 1],
      systemMicroseconds: ["system µs", 1],
      ofCeiling: ["CPU × ceiling", 2],
      ofFloor: ["CPU × floor", 2],
    },
    rows,
    goals: METHODS.map((method) => ({
      row: rows.find(({ labels }) => labels[0] === labelOf(method) && labels[1] === ON_BUN) as Row<Figure>,
      figure: "ofFloor",
      relation: "≤",
      value: GOALS[method],
      unit: "× the floor's CPU",
    })),
    parameters,
  };
}

function labelOf(method: Method): string {
  return `\`${method} /song/1\``;
}

function toRow(subject: string, method: Method, trials: Trials): Row<Figure> {
  const own = trials.get(subject)?.[method] ?? [];
  const ratioTo = (base: string) => summariseRatio(own, trials.get(base)?.[method], "cpuMicroseconds");
  return {
    labels: [labelOf(method), subject],
    figures: {
      ...summariseAll(own, "requestsPerSecond", "p50Ms", "p99Ms"),
      ...summariseAll(own, "cpuMicroseconds", "userMicroseconds", "systemMicroseconds"),
      ofCeiling: ratioTo(CEILING),
      ofFloor: ratioTo(FLOOR),
    },
  };
}
