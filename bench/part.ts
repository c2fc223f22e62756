import { isKnown, type Sample } from "./statistics.ts";
import type { SuiteResult } from "./suite.ts";
import { show, toTable, verdict } from "./table.ts";

/** A part of a suite, which one table shows. `F` names the figures of each row. */
export interface Part<F extends string = string> {
  name: string;
  title: string;
  /** What a row is about: the heads of the columns in front of its figures. */
  labels: readonly string[];
  columns: readonly Column<F>[];
  rows: readonly Row<F>[];
  goals: readonly Goal<F>[];
  /** How much was measured, for programs. */
  about: Readonly<Record<string, unknown>>;
}

export interface Column<F extends string> {
  figure: F;
  head: string;
  /** How many decimal places are shown. */
  places: number;
}

export interface Row<F extends string> {
  labels: readonly string[];
  figures: Readonly<Record<F, Sample>>;
}

/** What the median of a figure must not pass, or must reach. */
export interface Goal<F extends string> {
  row: Row<F>;
  figure: F;
  relation: "≤" | "≥";
  value: number;
  unit: string;
}

/** Makes the result of a suite of its parts. */
export function toResult(
  parts: readonly Part[],
  isSmoke: boolean,
  versions: SuiteResult["versions"],
): SuiteResult {
  return {
    json: Object.fromEntries(parts.map((part) => [part.name, toJson(part)])),
    markdown: parts.map((part) => toMarkdown(part, isSmoke)).join("\n\n"),
    versions,
    missing: parts.flatMap(missingFigures),
  };
}

function toJson({ labels, rows, about }: Part): Record<string, unknown> {
  const flat = rows.map((row) => ({
    ...Object.fromEntries(labels.map((label, at) => [label, row.labels[at]])),
    ...row.figures,
  }));
  return { ...about, rows: flat };
}

function toMarkdown({ title, labels, columns, rows, goals }: Part, isSmoke: boolean): string {
  const head = [...labels, ...columns.map((column) => column.head)];
  const lines = rows.map((row) => [
    ...row.labels,
    ...columns.map(({ figure, places }) => show(row.figures[figure] as Sample, places)),
  ]);
  const table = `### ${title}\n\n${toTable(head, labels.length, lines)}`;
  // What a smoke run says of goals is worth nothing.
  if (isSmoke) return table;
  return [table, goals.map((goal) => toVerdict(labels, goal)).join("\n")].join("\n\n");
}

function toVerdict(labels: readonly string[], { row, figure, relation, value, unit }: Goal<string>): string {
  const { median } = row.figures[figure] as Sample;
  const isMet = relation === "≤" ? median <= value : median >= value;
  const what = labels.map((label, at) => `${label} ${row.labels[at]}`).join(", ");
  // Three places, or a figure just beyond the goal would look as if it were the goal.
  return verdict(what, `${median.toFixed(3)} ${unit}`, isMet, `${relation} ${value} ${unit}`);
}

function missingFigures({ name, rows }: Part): string[] {
  return rows.flatMap(({ labels, figures }) =>
    Object.entries(figures)
      .filter(([, sample]) => !isKnown(sample))
      .map(([figure]) => `${name}, ${labels.join(", ")}, ${figure}`),
  );
}
