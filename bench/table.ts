import type { Sample } from "./statistics.ts";

/** Writes a table in markdown, whose first `texts` columns are text and whose others are numbers. */
export function toTable(head: readonly string[], texts: number, lines: readonly string[][]): string {
  const rule = head.map((_, at) => (at < texts ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Shows a median with the least and the greatest. */
export function show({ median, min, max }: Sample, places: number): string {
  const [middle, least, most] = [median, min, max].map((value) =>
    value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places }),
  );
  return `${middle} (${least}–${most})`;
}

/** Says of a goal whether it is met. */
export function verdict(what: string, figure: string, isMet: boolean, goal: string): string {
  return `- ${what}: ${figure}, ${isMet ? "meets" : "misses"} the goal of ${goal}.`;
}
