import process from "node:process";

/** What has to be stopped after a test, whatever became of it. */
const open = new Set<{ stop: () => unknown }>();

/** Has `stopAll` stop something. */
export function stopLater(one: { stop: () => unknown }): void {
  open.add(one);
}

/** Stops all that was started here, what was started last at first. */
export async function stopAll(): Promise<void> {
  for (const one of [...open].reverse()) {
    open.delete(one);
    await one.stop();
  }
}

// A run that is broken off leaves no servers behind.
process.on("exit", () => {
  for (const one of open) one.stop();
});
