import type { Method, Row } from "./http-figures.ts";
import type { Sample } from "./statistics.ts";
import { OURS } from "./subjects.ts";

/** The most processor time that ours may use, as a multiple of the ceiling's. */
const GOALS: Record<Method, number> = { GET: 1.1, POST: 1.2 };

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
  const table = [HEAD, HEAD.map((_, at) => (at < 2 ? "---" : "---:")), ...lines];
  return table.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Says of each goal whether it is met. */
export function toVerdicts(rows: readonly Row[]): string {
  const own = rows.filter(({ subject }) => subject === OURS);
  return own.map(verdict).join("\n");
}

function verdict({ subject, method, ratio }: Row): string {
  const goal = GOALS[method];
  const meets = ratio.median <= goal ? "meets" : "misses";
  // Three places, or a figure just above the goal would look as if it were the goal.
  const figure = ratio.median.toFixed(3);
  return `- \`${method} /song/1\`, ${subject}: ${figure} × the ceiling's CPU, ${meets} the goal of ≤ ${goal.toFixed(2)} ×.`;
}

function show({ median, min, max }: Sample, places: number): string {
  const [middle, least, most] = [median, min, max].map((value) =>
    value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places }),
  );
  return `${middle} (${least}–${most})`;
}
