/** Repeated measurements of one figure. */
export interface Sample {
  median: number;
  min: number;
  max: number;
  /** In the order in which they were measured. */
  values: readonly number[];
}

/** Sums up `values`; NaN all over if one of them is NaN or there is none. */
export function summarise(values: readonly number[]): Sample {
  const isKnown = values.length > 0 && !values.some(Number.isNaN);
  return {
    median: isKnown ? median(values) : Number.NaN,
    min: isKnown ? Math.min(...values) : Number.NaN,
    max: isKnown ? Math.max(...values) : Number.NaN,
    values,
  };
}

/** The middle one of `values`, or of an even number of them the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const middle = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** A copy of `list` in random order, each order as likely as any other. */
export function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
