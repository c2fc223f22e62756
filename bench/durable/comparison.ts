import type { Goal, Row } from "../harness/result-table.ts";
import type { Comparison, PostFigure } from "./posts.ts";
import { APPEND, DURABLE, MEMORY, REDIS, subjects } from "./subjects.ts";

/** Connections of the load that has goals. */
const GOAL_CONNECTIONS = 64;

/** Plays that are on the disk before they are answered. */
export const ON_DISK: Comparison = {
  title: "`POST` of one song, on the disk before it is answered",
  subjects,
  base: MEMORY,
  ratio: "× in memory",
  loads: [
    [1, 2000],
    [GOAL_CONNECTIONS, 50_000],
    [256, 50_000],
  ],
  goals: toGoals,
};

function toGoals(rows: readonly Row<PostFigure>[]): Goal<PostFigure>[] {
  const find = (name: string) =>
    rows.find(
      ({ labels }) => labels[0] === String(GOAL_CONNECTIONS) && labels[1] === name,
    ) as Row<PostFigure>;
  const row = find(DURABLE);
  const faster = [APPEND, REDIS].map((name) => ({
    row,
    figure: "requestsPerSecond" as const,
    relation: "≥" as const,
    value: find(name).figures.requestsPerSecond.median,
    unit: `requests/s of ${name}`,
  }));
  return [
    { row, figure: "ofBase", relation: "≥", value: 0.68, unit: "× in memory" },
    { row, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100" },
    ...faster,
  ];
}
