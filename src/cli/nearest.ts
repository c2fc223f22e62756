/** Returns the known name that `name` may be a slip of: it begins with `name`, or differs in few letters. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const most = Math.floor(name.length / 4) + 1;
  const slips = known
    .map((other) => ({ other, distance: other.startsWith(`${name}-`) ? 0 : distanceOf(name, other) }))
    .filter(({ distance }) => distance <= most);
  return slips.toSorted((a, b) => a.distance - b.distance)[0]?.other;
}

/** Returns the number of letters to insert, remove or replace (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...a].entries()) {
    const next = [at + 1];
    for (let to = 0; to < b.length; to++) {
      const replaced = (row[to] ?? 0) + (letter === b[to] ? 0 : 1);
      next.push(Math.min(replaced, (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
