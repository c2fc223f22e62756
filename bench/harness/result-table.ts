import { markdownTable } from "./markdown.ts";
import { isKnown, type Summary } from "./statistics.ts";
import type { SuiteResult } from "./suite.ts";

/** Results of one measurement, with their goals. `F` names the figures of each row. */
export interface ResultTable<F extends string = string> {
  /** Key in results.json. */
  name: string;
  title: string;
  /** Heads of the text columns, which say what a row is about. */
  labels: readonly string[];
  /** Head and decimal places of each figure, in the order of the columns. */
  columns: Readonly<Record<F, Column>>;
  rows: readonly Row<F>[];
  goals: readonly Goal<F>[];
  /** Size of the measurement, for programs. */
  parameters: Readonly<Record<string, unknown>>;
}

export type Column = readonly [head: string, decimalPlaces: number];

export interface Row<F extends string> {
  labels: readonly string[];
  figures: Readonly<Record<F, Summary>>;
}

/** Limit of a median. */
export interface Goal<F extends string> {
  row: Row<F>;
  figure: F;
  relation: "≤" | "≥";
  value: number;
  unit: string;
}

/** Joins the tables of a suite. Goals are left out of a smoke run, whose figures are worth nothing. */
export function toSuiteResult(
  tables: readonly ResultTable[],
  isSmoke: boolean,
  versions: SuiteResult["versions"],
): SuiteResult {
  return {
    json: Object.fromEntries(tables.map((table) => [table.name, toJson(table)])),
    markdown: tables.map((table) => toMarkdown(table, isSmoke)).join("\n\n"),
    versions,
    missing: tables.flatMap(missingFigures),
  };
}

function toJson({ labels, rows, parameters }: ResultTable): Record<string, unknown> {
  const flat = rows.map((row) => ({
    ...Object.fromEntries(labels.map((label, at) => [label, row.labels[at]])),
    ...row.figures,
  }));
  return { ...parameters, rows: flat };
}

function toMarkdown({ title, labels, columns, rows, goals }: ResultTable, isSmoke: boolean): string {
  const figures = Object.entries(columns);
  const head = [...labels, ...figures.map(([, [head]]) => head)];
  const lines = rows.map((row) => [
    ...row.labels,
    ...figures.map(([figure, [, places]]) => formatSummary(row.figures[figure] as Summary, places)),
  ]);
  const parts = [`### ${title}`, markdownTable(head, labels.length, lines)];
  if (!isSmoke && goals.length > 0) parts.push(goalTable(labels, goals));
  return parts.join("\n\n");
}

/** Formats a median with the least and the greatest value. */
function formatSummary({ median, min, max }: Summary, places: number): string {
  const [middle, least, greatest] = [median, min, max].map((value) =>
    value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places }),
  );
  return `${middle} (${least}–${greatest})`;
}

function goalTable(labels: readonly string[], goals: readonly Goal<string>[]): string {
  const lines = goals.map(({ row, figure, relation, value, unit }) => {
    const { median } = row.figures[figure] as Summary;
    const isReached = relation === "≤" ? median <= value : median >= value;
    return [
      labels.map((label, at) => `${label} ${row.labels[at]}`).join(", "),
      `${relation} ${formatGoalValue(value)} ${unit}`,
      formatGoalValue(median),
      isReached ? "reached" : "**missed**",
    ];
  });
  return markdownTable(["goal for", "goal", "median", "result"], 4, lines);
}

/**
 * Formats three decimal places of a small number, so that a figure just beyond its goal does not look like
 * the goal.
 */
function formatGoalValue(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 1000 ? 3 : 0 });
}

function missingFigures({ name, rows }: ResultTable): string[] {
  return rows.flatMap(({ labels, figures }) =>
    Object.entries(figures)
      .filter(([, summary]) => !isKnown(summary))
      .map(([figure]) => `${name}, ${labels.join(", ")}, ${figure}`),
  );
}
