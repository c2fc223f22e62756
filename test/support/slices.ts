/** Reads all slices of a fold, and returns their songs. Throws for a song that is in two of them. */
export async function sumOf(
  slices: AsyncIterable<ReadonlyMap<string, number>>,
): Promise<Map<string, number>> {
  const sum = new Map<string, number>();
  for await (const slice of slices)
    for (const [id, plays] of slice) {
      if (sum.has(id)) throw new Error(`${id} is in two slices`);
      sum.set(id, plays);
    }
  return sum;
}
