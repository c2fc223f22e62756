import process from "node:process";
import { setTimeout } from "node:timers/promises";
import type { Server } from "../adapters/server.ts";
import type { Settings } from "../settings/settings.ts";
import { exit, FAILED } from "./exit.ts";
import { watchLauncher } from "./launcher.ts";
import type { Counts } from "./open-counts.ts";
import { readOwnProcess } from "./own-process.ts";
import { notifySupervisor } from "./systemd.ts";

/** Minimum time to close the counts, even if open requests used up the time to stop. */
const MIN_CLOSE_SECONDS = 5;

/** A second signal within this time counts as the first: a terminal and a parent process may both send it. */
const SAME_SIGNAL_MS = 200;

/** Signals that make other programs rotate logs or write profiles. By default they would end this one. */
const IGNORED_SIGNALS = ["SIGUSR1", "SIGUSR2"] as const;

/** The reaction to a signal to stop. Before {@linkcode stopOnSignals} nothing was answered. */
let stop = (_reason: string): void => {
  console.log("playcount: stopped before it listened");
  process.exit(0);
};

/** Exits the process on a signal to stop, until {@linkcode stopOnSignals} is called. */
export function exitOnSignals(): void {
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});
  for (const signal of stopSignals()) process.on(signal, () => stop(signal));
}

/**
 * Stops the server cleanly on the first signal to stop, or when its launcher has ended, and exits the process
 * at once on a later signal. `stopping` is aborted when the stop begins.
 */
export function stopOnSignals(
  settings: Settings,
  counts: Counts,
  server: Server,
  stopping: AbortController,
): void {
  let stoppedAt = 0;
  stop = (reason) => {
    if (stopping.signal.aborted) {
      if (performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
      exit(FAILED, "stopped at once after a second signal");
    }
    stoppedAt = performance.now();
    stopping.abort();
    void stopServer(settings, counts, server, reason);
  };
  watchLauncher(() => {
    // The launcher may have ended by the same signal.
    if (!stopping.signal.aborted) stop("the npm that started it has ended");
  });
}

/** Serves on while clients turn away, then answers open requests, then closes the counts. */
async function stopServer(
  { drainSeconds, shutdownSeconds }: Settings,
  counts: Counts,
  server: Server,
  reason: string,
): Promise<never> {
  const after = drainSeconds > 0 ? `, after it has drained for ${drainSeconds} s` : "";
  console.log(`playcount: stops${after} (${reason})`);
  server.drain();
  await notifySupervisor("STOPPING=1");
  if (drainSeconds > 0) await setTimeout(drainSeconds * 1000);
  const startedAt = performance.now();
  await server.stop(shutdownSeconds);
  const secondsLeft = shutdownSeconds - (performance.now() - startedAt) / 1000;
  const isClosed = await counts.close(Math.max(MIN_CLOSE_SECONDS, secondsLeft));
  if (!isClosed && counts.store.unavailableBecause !== undefined)
    exit(FAILED, "stopped; the storage has failed, and plays may be missing at the next start");
  if (!isClosed) exit(FAILED, "the disk did not finish in time; every play that was answered is on it");
  console.log(`playcount: stopped; ${counts.fate}`);
  process.exit(0);
}

/** SIGHUP stops too, unless it is ignored, as `nohup` has it, or may be: a handler would replace that. */
function stopSignals(): NodeJS.Signals[] {
  const lastDigit = readOwnProcess("status", /^SigIgn:\s*[\da-f]*([\da-f])$/m) ?? "1";
  const isHangupIgnored = (Number.parseInt(lastDigit, 16) & 1) === 1;
  return isHangupIgnored ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}
