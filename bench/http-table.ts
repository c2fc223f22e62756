import type { Method, Row } from "./http-figures.ts";
import { OURS } from "./subjects.ts";
import { show, toTable as writeTable, verdict } from "./table.ts";

/** The most processor time that ours may use, as a multiple of the ceiling's. */
const GOALS: Record<Method, number> = { GET: 1.1, POST: 1.15 };

const HEAD = ["request", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "CPU × ceiling"];

/** Shows medians with the least and the greatest. */
export function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    `\`${row.method} /song/1\``,
    row.subject,
    show(row.requestsPerSecond, 0),
    show(row.p50Ms, 2),
    show(row.p99Ms, 2),
    show(row.cpuMicroseconds, 1),
    show(row.ratio, 2),
  ]);
  return writeTable(HEAD, 2, lines);
}

/** Says of each goal whether it is met. */
export function toVerdicts(rows: readonly Row[]): string {
  const own = rows.filter(({ subject }) => subject === OURS);
  return own.map(toVerdict).join("\n");
}

function toVerdict({ subject, method, ratio }: Row): string {
  const goal = GOALS[method];
  // Three places, or a figure just above the goal would look as if it were the goal.
  const figure = `${ratio.median.toFixed(3)} × the ceiling's CPU`;
  return verdict(`\`${method} /song/1\`, ${subject}`, figure, ratio.median <= goal, `≤ ${goal.toFixed(2)} ×`);
}
