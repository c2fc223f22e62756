/** Writes a Markdown table whose first `textColumns` columns hold text and whose others hold numbers. */
export function markdownTable(
  head: readonly string[],
  textColumns: number,
  rows: readonly string[][],
): string {
  const rule = head.map((_, at) => (at < textColumns ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
