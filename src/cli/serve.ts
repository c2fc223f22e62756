import { availableParallelism } from "node:os";
import process from "node:process";
import type { Serve, Server } from "../adapters/server.ts";
import { errorMessage } from "../error-message.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import { SETTINGS, type Settings } from "../settings/settings.ts";
import { VERSION } from "../version.ts";
import { watchDescriptors } from "./descriptors.ts";
import { BAD_USAGE, BUN_ADVICE, exit, FAILED, surviveLostOutput } from "./exit.ts";
import { loopbackNames } from "./loopback.ts";
import { type Counts, openCounts } from "./open-counts.ts";
import { exitOnSignals, stopOnSignals } from "./stopping.ts";
import { createMeasuredHandler, serveWithWorkers } from "./threads.ts";
import { noteIgnoredVariables } from "./variables.ts";

/**
 * Serves until a signal to stop, then exits the process. The status is 0 after a clean stop, also if requests
 * were cut off. It is 1 if the storage failed or did not finish in time, or after a second signal.
 *
 * `entry` is the URL of the program's module, which every thread runs too.
 */
export async function serve(given: Settings, entry: string): Promise<void> {
  surviveLostOutput();
  exitOnSignals();
  for (const note of noteIgnoredVariables(process.env)) console.error(`playcount: ${note}`);
  const names = await loopbackNames(given.host);
  // On a loopback address, loopback names only: a web page could let its own name resolve to that address.
  const settings = { ...given, allowedHosts: given.allowedHosts || (names ?? "") };
  const workers = countWorkers(settings);
  const counts = await open(settings, workers, entry);
  const stopping = new AbortController();
  const server = await listen(settings, counts, { workers, entry, signal: stopping.signal });
  stopOnSignals(settings, counts, server, stopping);

  watchDescriptors((line) => console.error(`playcount: ${line}`));
  if (names === undefined && settings.token === "") {
    const advice = "set PLAYCOUNT_TOKEN, or listen on 127.0.0.1";
    console.error(
      `playcount: warning: every client that reaches ${settings.host} can clear all counts; ${advice}`,
    );
  }
  console.log(`playcount: ${counts.place}`);
  // Last, because a program that waits for this line may send a signal as soon as it reads it.
  console.log(`playcount ${VERSION} listens on ${server.url}${settings.basePath}/`);
}

function countWorkers({ workers }: Settings): number {
  const isBun = "Bun" in globalThis;
  if (workers === "auto") return isBun ? Math.min(availableParallelism(), SETTINGS.workers.max) : 1;
  if (workers > 1 && !isBun) exit(BAD_USAGE, `more than 1 worker requires Bun; ${BUN_ADVICE}`);
  return workers;
}

async function open(settings: Settings, workers: number, entry: string): Promise<Counts> {
  try {
    return await openCounts(settings, workers > 1 ? workers : 0, entry);
  } catch (error) {
    exit(FAILED, errorMessage(error));
  }
}

/** Starts to listen. One worker is the main thread itself; several are threads. */
async function listen(
  settings: Settings,
  counts: Counts,
  { workers, entry, signal }: { workers: number; entry: string; signal: AbortSignal },
): Promise<Server> {
  const { host, port } = settings;
  try {
    if (workers > 1) return await serveWithWorkers(settings, counts, workers, entry);
    const serveHandler = await loadAdapter();
    return await serveHandler(createMeasuredHandler(counts.store, settings, new Metrics(), signal), settings);
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isTaken = code === "EADDRINUSE" || name === "AddrInUse";
    exit(FAILED, `cannot listen on ${host}:${port}: ${isTaken ? "the port is in use" : errorMessage(error)}`);
  }
}

/** Loads the adapter of this runtime only. */
async function loadAdapter(): Promise<Serve> {
  if ("Bun" in globalThis) return (await import("../adapters/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("../adapters/deno.ts")).serve;
  return (await import("../adapters/node.ts")).serve;
}
