import process from "node:process";

/** Everything that must be stopped after a test, also after a failed one. */
const open = new Set<{ stop: () => unknown }>();

/** Registers something for `stopAll`. */
export function stopLater(one: { stop: () => unknown }): void {
  open.add(one);
}

/** Stops everything that is registered, the last first. */
export async function stopAll(): Promise<void> {
  for (const one of [...open].reverse()) {
    open.delete(one);
    await one.stop();
  }
}

// An interrupted run leaves no servers running.
process.on("exit", () => {
  for (const one of open) one.stop();
});
