/** Words of 4 bytes in a cache line. Threads that write to the same line slow each other down. */
export const LINE_WORDS = 16;

/** The words of a field, and perhaps the power of two that its first word is a multiple of. Default: 1. */
export type Field = number | readonly [words: number, alignment: number];

/** A number of 8 bytes. */
export const NUMBER: Field = [2, 2];

/** The first word of each field, and of `end`, which follows the last one. */
export type Layout<Name extends string> = Readonly<Record<Name | "end", number>>;

/**
 * Lays fields out from word `start` on, in the order of `fields`. Each begins at or after the end of the one
 * before, so that no two of them overlap.
 */
export function layOut<Name extends string>(
  fields: Readonly<Record<Name, Field>>,
  start: number = 0,
): Layout<Name> {
  const first: Record<string, number> = {};
  let end = start;
  for (const [name, field] of Object.entries<Field>(fields)) {
    const [words, alignment] = typeof field === "number" ? [field, 1] : field;
    first[name] = alignTo(end, alignment);
    end = first[name] + words;
  }
  return { ...first, end } as Layout<Name>;
}

/**
 * Returns the next multiple of `alignment`, a power of two. With 32-bit operations, because engines index
 * much slower with an offset that they keep as a floating-point number.
 */
export function alignTo(words: number, alignment: number): number {
  return (words + alignment - 1) & -alignment;
}
