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

/** Whether all of a sample is a number, and there is one. */
export function isKnown({ median, min, max }: Sample): boolean {
  return [median, min, max].every(Number.isFinite);
}

/** Each value of `values` as a multiple of the one at the same place in `base`. */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  return values.map((value, at) => value / (base[at] ?? Number.NaN));
}

/** The value that `share` of `values` do not pass, by the nearest rank; NaN if there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
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
