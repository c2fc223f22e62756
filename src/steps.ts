import type { Awaitable } from "./awaitable.ts";

/** Lets everything else have its turn that waits for the event loop. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Does work that would hold up the event loop step by step: `step` is called until it gives a value, and between two
 * calls everything else has its turn. The value is given at once if the first step has it.
 */
export function inSteps<T>(step: () => T | undefined): Awaitable<T> {
  const value = step();
  return value === undefined ? goOn(step) : value;
}

async function goOn<T>(step: () => T | undefined): Promise<T> {
  for (;;) {
    await pause();
    const value = step();
    if (value !== undefined) return value;
  }
}
