/** Repeated measurements of one figure. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  /** In the order in which they were measured. */
  values: readonly number[];
}

/** Summarises `values`. All numbers are NaN if a value is NaN, or if `values` is empty. */
export function summarise(values: readonly number[]): Summary {
  const isKnown = values.length > 0 && !values.some(Number.isNaN);
  return {
    median: isKnown ? median(values) : Number.NaN,
    min: isKnown ? Math.min(...values) : Number.NaN,
    max: isKnown ? Math.max(...values) : Number.NaN,
    values,
  };
}

/** Summarises the named figures of `samples`. */
export function summariseAll<F extends string>(
  samples: readonly Readonly<Record<F, number>>[],
  ...figures: F[]
): Record<F, Summary> {
  const summaries = figures.map((figure) => [figure, summarise(samples.map((sample) => sample[figure]))]);
  return Object.fromEntries(summaries) as Record<F, Summary>;
}

/** Summarises a figure of `samples` as a multiple of the same figure of `base` in the same round. */
export function summariseRatio<F extends string>(
  samples: readonly Readonly<Record<F, number>>[],
  base: readonly Readonly<Record<F, number>>[] | undefined,
  figure: F,
): Summary {
  return summarise(samples.map((sample, round) => sample[figure] / (base?.[round]?.[figure] ?? Number.NaN)));
}

/** Returns whether a summary consists of numbers. */
export function isKnown({ median, min, max }: Summary): boolean {
  return [median, min, max].every(Number.isFinite);
}

/**
 * Returns the percentile of `values` by the nearest rank, `share` being from 0 to 1; NaN if `values` is
 * empty.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

/** Returns the middle value, or the mean of both middle values. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const middle = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Returns a copy of `list` in random order; every order is equally likely. */
export function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
