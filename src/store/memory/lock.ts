/** How often a lock is looked at before its holder is waited for: most are held for less than a microsecond. */
const SPINS = 100;

/** Beside the owner in a lock's word: somebody sleeps until it is free. */
const AWAITED = 1 << 16;

const FREE = 0;

/** How long to sleep at the most: a thread may die between releasing a lock and waking who waits for it. */
const WAIT_MS = 10;

/**
 * Takes the lock whose word is at `at`, for the thread that is called `owner`, a number from 1 to 2^16 − 1; waits
 * until it is free. Not to be taken again by who has it.
 *
 * The word tells who holds it, so that the locks of a thread that has died can be found and released.
 */
export function lock(words: Int32Array, at: number, owner: number): void {
  if (Atomics.compareExchange(words, at, FREE, owner) !== FREE) lockAwaited(words, at, owner);
}

/** Takes a lock unless somebody has it, and tells whether it did. */
export function tryLock(words: Int32Array, at: number, owner: number): boolean {
  return Atomics.compareExchange(words, at, FREE, owner) === FREE;
}

/** Releases a lock, and wakes one who waits for it. */
export function unlock(words: Int32Array, at: number): void {
  if ((Atomics.exchange(words, at, FREE) & AWAITED) !== 0) Atomics.notify(words, at, 1);
}

/** Who holds a lock; 0 if nobody does. */
export function holderOf(words: Int32Array, at: number): number {
  return Atomics.load(words, at) & (AWAITED - 1);
}

function lockAwaited(words: Int32Array, at: number, owner: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, at) === FREE && Atomics.compareExchange(words, at, FREE, owner) === FREE) return;
  }
  for (;;) {
    const word = Atomics.load(words, at);
    // Whoever has waited cannot know whether others still do, and so leaves word that they might.
    if (word === FREE && Atomics.compareExchange(words, at, FREE, owner | AWAITED) === FREE) return;
    const awaited = word | AWAITED;
    if (word === FREE || (word !== awaited && Atomics.compareExchange(words, at, word, awaited) !== word))
      continue;
    Atomics.wait(words, at, awaited, WAIT_MS);
  }
}
