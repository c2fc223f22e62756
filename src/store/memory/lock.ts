// A lock is one word of shared memory:
//
//   bit 31            17   16   15             0
//      +----------------+------+----------------+
//      |       0        | wait |     owner      |    0: free
//      +----------------+------+----------------+
//
// `owner` is the owner number of the thread that holds the lock, from 1 to MAX_OWNERS. `wait` tells the owner
// to wake a thread when it unlocks. As the word names its owner, the locks of a dead thread can be found and
// released: see recovery.ts.

const FREE = 0;
const WAIT = 1 << 16;

/** Tries before the thread sleeps: most locks are held for less than a microsecond. */
const SPINS = 100;

/** Longest sleep, as a thread may die after it has released a lock and before it wakes a waiting thread. */
const SLEEP_MS = 10;

/**
 * Waits until the lock at word `at` is free, and takes it for the thread with owner number `owner`. Not
 * reentrant.
 */
export function lock(words: Int32Array, at: number, owner: number): void {
  if (Atomics.compareExchange(words, at, FREE, owner) !== FREE) waitAndLock(words, at, owner);
}

/** Takes a lock if it is free, and returns false otherwise. */
export function tryLock(words: Int32Array, at: number, owner: number): boolean {
  return Atomics.compareExchange(words, at, FREE, owner) === FREE;
}

/** Releases a lock, and wakes one waiting thread. */
export function unlock(words: Int32Array, at: number): void {
  if ((Atomics.exchange(words, at, FREE) & WAIT) !== 0) Atomics.notify(words, at, 1);
}

/** Returns the owner number of a lock's holder; 0 if it is free. */
export function holderOf(words: Int32Array, at: number): number {
  return Atomics.load(words, at) & (WAIT - 1);
}

function waitAndLock(words: Int32Array, at: number, owner: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, at) === FREE && Atomics.compareExchange(words, at, FREE, owner) === FREE) return;
  }
  for (;;) {
    const word = Atomics.load(words, at);
    // A thread that has slept cannot know if others still do, and so keeps the bit set.
    if (word === FREE && Atomics.compareExchange(words, at, FREE, owner | WAIT) === FREE) return;
    const waiting = word | WAIT;
    if (word === FREE || (word !== waiting && Atomics.compareExchange(words, at, word, waiting) !== word))
      continue;
    Atomics.wait(words, at, waiting, SLEEP_MS);
  }
}
