const SMALL = 4;

/**
 * Shrinks a list for which `fails` returns true, by removing ever smaller parts of it. `fails` returns true
 * for the result, and false if any one of its items is removed.
 */
export async function shrink<T>(
  list: readonly T[],
  fails: (list: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let shortest = list;
  let isShorter = false;
  for (let size = Math.ceil(list.length / 2); size >= 1;) {
    for (let at = 0; at < shortest.length;) {
      const without = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (await fails(without)) {
        shortest = without;
        isShorter = true;
      } else {
        at += size;
      }
    }
    // Small sizes are all tried: there may be three items that can only be removed together.
    if (size > SMALL) size = Math.ceil(size / 2);
    else if (size > 1) size--;
    else if (!isShorter) break;
    else [size, isShorter] = [SMALL, false];
  }
  return shortest;
}
