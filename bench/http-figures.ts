import type { Load } from "./oha.ts";
import { ratios, type Sample, summarise } from "./statistics.ts";
import { CEILING } from "./subjects.ts";

/** What is measured of each server, in the order in which it is shown. */
export const METHODS = ["GET", "POST"] as const;
export type Method = (typeof METHODS)[number];

/** One slice of load on one server. */
export interface Slice extends Load {
  /** Of the server, for each request. */
  cpuMicroseconds: number;
}

/** The slices of each server by its name, in the order of the rounds. */
export type Measured = Map<string, Record<Method, Slice[]>>;

/** The figures of one server and one method. */
export interface Row extends Record<keyof Slice, Sample> {
  subject: string;
  method: Method;
  /** Processor time as a multiple of the ceiling's in the same round, so that the machine's moods cancel out. */
  ratio: Sample;
}

/** Makes figures of slices. */
export function sumUp(measured: Measured): Row[] {
  return METHODS.flatMap((method) => {
    const ceiling = measured.get(CEILING)?.[method] ?? [];
    return Array.from(measured, ([subject, slices]) => toRow(subject, method, slices[method], ceiling));
  });
}

function toRow(subject: string, method: Method, slices: readonly Slice[], ceiling: readonly Slice[]): Row {
  const sample = (figure: keyof Slice) => summarise(slices.map((slice) => slice[figure]));
  const cpu = (of: readonly Slice[]) => of.map((slice) => slice.cpuMicroseconds);
  return {
    subject,
    method,
    requestsPerSecond: sample("requestsPerSecond"),
    p50Ms: sample("p50Ms"),
    p99Ms: sample("p99Ms"),
    cpuMicroseconds: sample("cpuMicroseconds"),
    ratio: summarise(ratios(cpu(slices), cpu(ceiling))),
  };
}

/** The names of all figures that are no finite positive number. */
export function missingFigures(rows: readonly Row[]): string[] {
  return rows.flatMap(({ subject, method, ...figures }) =>
    Object.entries(figures)
      .filter(([, { median, min, max }]) => ![median, min, max].every((n) => Number.isFinite(n) && n > 0))
      .map(([figure]) => `${subject}, ${method}, ${figure}`),
  );
}
