/**
 * A list as short as can be found of which `fails` is still true, by leaving out ever smaller parts of `list`, of which
 * it is true. What comes out fails no more if any one of its items is left out.
 */
export function shrink<T>(list: readonly T[], fails: (list: readonly T[]) => boolean): readonly T[] {
  let shortest = list;
  for (let size = Math.ceil(list.length / 2); size >= 1;) {
    let isShorter = false;
    for (let at = 0; at < shortest.length;) {
      const without = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (fails(without)) {
        shortest = without;
        isShorter = true;
      } else {
        at += size;
      }
    }
    if (size === 1 && !isShorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return shortest;
}
