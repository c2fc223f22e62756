import { checkLayout, LINE_WORDS } from "./layout.ts";

// The buffer begins with a head and a table of the caller. Blocks follow.
//
//   word 0      1      2       16            48                       4144           4144 + 2 tableUnits
//     +------+------+-------+--+-------------+-------------------------+--------------+--------- - -
//     | lock | next | songs |  | 32 freeLists| 256 threads, 64 B each  | table        | blocks
//     +------+------+-------+--+-------------+-------------------------+--------------+--------- - -
//
//   next      unit after the last block that was ever handed out
//   songs     songs that are counted against maxSongs
//   freeLists first free block of each size, 2^0 to 2^31 units; 0 if none
//   threads   a cache line for each owner, so that no thread slows another down:
//
//     word 0         2         3        16
//       +------------+---------+---------+
//       | changes    | journal |         |
//       +------------+---------+---------+
//
//   changes   changes that this thread has made (number)
//   journal   block of its journal while it commits a batch, 0 otherwise
//
// A block has 2^n units of 8 bytes. The heap keeps its size n in word 1, and in word 0, while the block is
// free, the next free block of that size.

/** Bytes in a unit: memory is handed out in units, and a reference is the number of a unit. */
export const UNIT = 8;

/** Most threads of a store. Their owner numbers begin with 1. */
export const MAX_OWNERS = 255;

/** Free lists: one for each power of two that a reference can count. */
export const SIZES = 32;

// Offsets are literals, which engines fold into code. Those of the head, in words:
export const LOCK = 0;
export const NEXT = 1;
export const SONGS = 2;
export const FREE_LISTS = 16;
const THREADS = 48;
export const HEAD_WORDS = 4144;

// Those of a thread's cache line, in words:
const CHANGES = 0;
const JOURNAL = 2;

checkLayout(
  {
    lock: [LOCK, 1],
    next: [NEXT, 1],
    songs: [SONGS, 1],
    freeLists: [FREE_LISTS, SIZES],
    threads: [THREADS, (MAX_OWNERS + 1) * LINE_WORDS],
  },
  HEAD_WORDS,
);
checkLayout({ changes: [CHANGES, 2], journal: [JOURNAL, 1] }, LINE_WORDS);

/** Word of a block that holds its size. */
export const BLOCK_SIZE = 1;

/** Returns the unit with the changes of a thread. */
export function changesUnit(owner: number): number {
  return (THREADS + CHANGES) / 2 + owner * 8;
}

/** Returns the word with the journal of a thread. */
export function journalWord(owner: number): number {
  return THREADS + JOURNAL + owner * 16;
}
