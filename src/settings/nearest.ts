/**
 * Returns the known name that `name` may be a slip of: one that differs in few letters, otherwise one with
 * further words at its end, or fewer.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const slip = name.toLowerCase();
  const most = Math.floor(name.length / 4) + 1;
  const distances = known.map((other) => ({ other, distance: distanceOf(slip, other.toLowerCase()) }));
  const [first] = distances.toSorted((a, b) => a.distance - b.distance);
  if (first !== undefined && first.distance <= most) return first.other;
  return (
    known.find((other) => isBeginning(name, other)) ?? known.findLast((other) => isBeginning(other, name))
  );
}

/** Returns true if `whole` has the words of `part`, and further ones. */
function isBeginning(part: string, whole: string): boolean {
  return whole.startsWith(part) && /^[-_]/.test(whole.slice(part.length));
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
