import type { Awaitable } from "./awaitable.ts";

/** Lets everything else have its turn that waits for the event loop. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves as soon as this turn of the event loop has ended: a timer would wait for a millisecond. */
export function nextTurn(): Promise<void> {
  if (typeof MessageChannel === "undefined") return yieldTurn(); // workerd has it only if it is asked for
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close(); // or else it would keep the process alive
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * Does work that would hold up the event loop step by step: `step` is called until it gives a value, and between two
 * calls everything else has its turn. The value is given at once if the first step has it.
 */
export function runInSlices<T>(step: () => T | undefined): Awaitable<T> {
  const value = step();
  return value === undefined ? goOn(step) : value;
}

async function goOn<T>(step: () => T | undefined): Promise<T> {
  for (;;) {
    await yieldTurn();
    const value = step();
    if (value !== undefined) return value;
  }
}
