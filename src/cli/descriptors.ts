import { closeSync, openSync } from "node:fs";
import { readOwnProcess } from "./own-process.ts";

/** A lower limit of open files is too low for a server: the default of most systems. */
const USUAL_LIMIT = 1024;

/** Milliseconds between two checks, and between two lines. */
const [INTERVAL_MS, QUIET_MS] = [1000, 30_000];

/**
 * Logs a low limit of open files, and that the limit is reached: a runtime then accepts no connection, says
 * nothing, and on Bun tries again without a pause.
 */
export function watchDescriptors(log: (line: string) => void): void {
  const limit = Number(readOwnProcess("limits", /^Max open files +(\d+)/m) ?? Infinity);
  if (limit < USUAL_LIMIT)
    log(`warning: at most ${limit} connections and files can be open; raise the limit with ulimit -n`);
  let loggedAt = -QUIET_MS;
  const timer = setInterval(() => {
    if (isDescriptorFree() || performance.now() - loggedAt < QUIET_MS) return;
    loggedAt = performance.now();
    log(`all ${limit} connections and files are open: new connections wait; raise the limit with ulimit -n`);
  }, INTERVAL_MS);
  timer.unref();
}

function isDescriptorFree(): boolean {
  try {
    closeSync(openSync("/", "r"));
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "EMFILE";
  }
}
