// The songs of a batch are in columns, as an object for each would take as long as counting it:
//
//   words        | hash of song 0 | packed id (packed-id.ts) | hash of song 1 | packed id | - - -
//   idPositions  | position of each song's hash in `words`
//   plays        | plays to add to each song
//
// Work is counted in words: those of a song, and about 16 more. A slice of it takes less than a millisecond:
// 2,000 songs with ids of 14 bytes, or 280 with ids of 512; fewer if each is looked up in many sets: the open
// one and those of folds.

export const SLICE_WORK = 40_000;
export const SONG_WORK = 16;
/** Sets in which a song is looked up in about the time that the rest of its work takes. */
const SETS = 4;

/** The songs of a batch, packed and hashed. The columns can be sent to another thread. */
export interface PackedBatch {
  readonly size: number;
  readonly words: Int32Array<ArrayBuffer>;
  readonly idPositions: Int32Array<ArrayBuffer>;
  readonly plays: Float64Array<ArrayBuffer>;
}

/** Calls `act` with the songs of one slice after another, from `first` to before `end`. Yields in between. */
export function* inSlices(
  batch: PackedBatch,
  act: (first: number, end: number) => void,
  sets: number = 1,
): Generator<undefined, void> {
  for (let first = 0; first < batch.size;) {
    const end = endOfSlice(batch, first, sets);
    act(first, end);
    if (end < batch.size) yield;
    first = end;
  }
}

/** Returns the end of the slice that begins with song `first`. */
export function endOfSlice({ size, idPositions }: PackedBatch, first: number, sets: number = 1): number {
  const workBefore = (song: number) => song * SONG_WORK + (idPositions[song] as number);
  const most = SLICE_WORK / Math.ceil(sets / SETS) + (first < size ? workBefore(first) : 0);
  if (size === 0 || workBefore(size - 1) < most) return size;
  let end = first + 1;
  while (workBefore(end) < most) end++;
  return end;
}
