const SMALL = 4;

/**
 * A list as short as can be found of which `fails` is still true, by leaving out ever smaller parts of `list`, of which
 * it is true. What comes out fails no more if any one of its items is left out.
 */
export function shrink<T>(list: readonly T[], fails: (list: readonly T[]) => boolean): readonly T[] {
  let shortest = list;
  let isShorter = false;
  for (let size = Math.ceil(list.length / 2); size >= 1;) {
    for (let at = 0; at < shortest.length;) {
      const without = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (fails(without)) {
        shortest = without;
        isShorter = true;
      } else {
        at += size;
      }
    }
    // Of the small sizes none is left out: perhaps only three can go, and no one or two of them.
    if (size > SMALL) size = Math.ceil(size / 2);
    else if (size > 1) size--;
    else if (!isShorter) break;
    else [size, isShorter] = [SMALL, false];
  }
  return shortest;
}
