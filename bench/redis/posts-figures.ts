import type { Load } from "../oha.ts";
import type { Part, Row } from "../part.ts";
import { ratios, summarise } from "../statistics.ts";
import type { SplitCpu } from "./cpu.ts";
import { type Method, ONE, WEBDIS } from "./subjects.ts";

/** What is asked for, over how many connections in all. */
export interface LoadKind {
  method: Method;
  connections: number;
}

export const LOADS: readonly LoadKind[] = [
  { method: "POST", connections: 64 },
  { method: "POST", connections: 256 },
  { method: "GET", connections: 64 },
];

/** A slice of load; processor time is for each request. */
export type Slice = SplitCpu & Pick<Load, "requestsPerSecond" | "p99Ms">;

export type Figure = keyof Slice | "ofWebdis";

/** The slices by what was asked of whom, in the order of the rounds. */
export type Seen = Map<string, Slice[]>;

export function keyOf({ method, connections }: LoadKind, subject: string): string {
  return [method, connections, subject].join();
}

/** Makes figures of slices. */
export function toPart(subjects: readonly string[], seen: Seen, about: Part["about"]): Part<Figure> {
  const rows = LOADS.flatMap((kind) => subjects.map((name) => toRow(kind, name, seen)));
  const goals = LOADS.map((kind) => ({
    row: rows[LOADS.indexOf(kind) * subjects.length + subjects.indexOf(ONE)] as Row<Figure>,
    figure: "ofWebdis" as const,
    relation: "≤" as const,
    value: 1,
    unit: "× the CPU of webdis and Redis",
  }));
  return {
    name: "posts",
    title: "R1: one song of 10,000, counts in Redis",
    labels: ["request", "connections", "server"],
    columns: [
      { figure: "serverMicroseconds", head: "server CPU µs", places: 1 },
      { figure: "redisMicroseconds", head: "Redis CPU µs", places: 1 },
      { figure: "sumMicroseconds", head: "CPU µs/request", places: 1 },
      { figure: "ofWebdis", head: "CPU × webdis", places: 2 },
      { figure: "requestsPerSecond", head: "requests/s", places: 0 },
      { figure: "p99Ms", head: "p99 ms", places: 2 },
    ],
    rows,
    goals: goals.filter(({ row }) => row.labels[0] === "`POST`"),
    about,
  };
}

function toRow(kind: LoadKind, subject: string, seen: Seen): Row<Figure> {
  const values = (of: string, figure: keyof Slice) =>
    (seen.get(keyOf(kind, of)) ?? []).map((slice) => slice[figure]);
  const sample = (figure: keyof Slice) => summarise(values(subject, figure));
  return {
    labels: [`\`${kind.method}\``, String(kind.connections), subject],
    figures: {
      serverMicroseconds: sample("serverMicroseconds"),
      redisMicroseconds: sample("redisMicroseconds"),
      sumMicroseconds: sample("sumMicroseconds"),
      ofWebdis: summarise(ratios(values(subject, "sumMicroseconds"), values(WEBDIS, "sumMicroseconds"))),
      requestsPerSecond: sample("requestsPerSecond"),
      p99Ms: sample("p99Ms"),
    },
  };
}
