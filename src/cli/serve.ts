import { availableParallelism } from "node:os";
import process from "node:process";
import type { Serve, Server } from "../adapters/server.ts";
import { errorMessage } from "../error-message.ts";
import type { Handler } from "../http/handler.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import { socketOf } from "../settings/hosts.ts";
import { SETTINGS, type Settings } from "../settings/settings.ts";
import { VERSION } from "../version.ts";
import { noteIgnoredVariables } from "./command-line.ts";
import { watchDescriptors } from "./descriptors.ts";
import { BAD_USAGE, BUN_ADVICE, exit, FAILED } from "./exit.ts";
import { setUpLog } from "./log.ts";
import { localNames } from "./local-names.ts";
import { type Counts, openCounts } from "./open-counts.ts";
import { exitOnSignals, stopOnSignals } from "./stopping.ts";
import { notifySupervisor } from "./systemd.ts";
import { removeStaleSocket, withSocketMode } from "./unix-socket.ts";

/**
 * Serves until a signal to stop, then exits the process. The status is 0 after a clean stop, also if requests
 * were cut off. It is 1 if the storage failed or did not finish in time, or after a second signal.
 *
 * `entry` is the URL of the program's module, which every thread runs too.
 */
export async function serve(given: Settings, entry: string): Promise<void> {
  setUpLog(given.log);
  exitOnSignals();
  for (const note of noteIgnoredVariables(process.env)) console.error(`playcount: ${note}`);
  checkRuntime(given);
  const names = await localNames(given);
  // On a loopback address, loopback names only: a web page could let its own name resolve to that address.
  const settings = { ...given, allowedHosts: given.allowedHosts || (names ?? "") };
  const workers = countWorkers(settings);
  const opening = openCounts(settings, workers > 1 ? workers : 0, entry).catch((error) =>
    exit(FAILED, errorMessage(error)),
  );
  // The handler is loaded while the commit thread reads.
  const [counts, { createMeasuredHandler }] = await Promise.all([opening, import("./serving.ts")]);
  const stopping = new AbortController();
  const makeHandler = () => createMeasuredHandler(counts.store, settings, new Metrics(), stopping.signal);
  const server = await listen(settings, counts, { workers, entry, makeHandler });
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
  const isPort = socketOf(settings.host) === undefined;
  console.log(`playcount ${VERSION} listens on ${server.url}${isPort ? `${settings.basePath}/` : ""}`);
  await notifySupervisor("READY=1");
}

/** Refuses settings of which this runtime is not capable. */
function checkRuntime({ host, store, workers }: Settings): void {
  const isMany = workers !== "auto" && workers > 1;
  const socket = socketOf(host);
  if (socket !== undefined && isMany) exit(BAD_USAGE, `--host ${host} takes 1 worker, not ${workers}`);
  if (socket !== undefined && "fd" in socket && ("Bun" in globalThis || "Deno" in globalThis))
    exit(BAD_USAGE, `--host ${host} requires Node, which alone takes over an open socket`);
  if ("Bun" in globalThis) return;
  if (isMany) exit(BAD_USAGE, `more than 1 worker requires Bun; ${BUN_ADVICE}`);
  if (store !== "") exit(BAD_USAGE, `--store requires Bun; ${BUN_ADVICE}`);
}

function countWorkers({ workers, host }: Settings): number {
  if (workers !== "auto") return workers;
  const isShareable = "Bun" in globalThis && socketOf(host) === undefined;
  return isShareable ? Math.min(availableParallelism(), SETTINGS.workers.max) : 1;
}

/** Starts to listen. One worker is the main thread itself; several are threads. */
async function listen(
  settings: Settings,
  counts: Counts,
  { workers, entry, makeHandler }: { workers: number; entry: string; makeHandler: () => Handler },
): Promise<Server> {
  const { host, port } = settings;
  const socket = socketOf(host);
  try {
    if (workers > 1) {
      const { serveWorkers } = await import("./workers.ts");
      return await serveWorkers({ settings, counts, count: workers, entry });
    }
    const serveHandler = await loadAdapter();
    const handler = makeHandler();
    if (socket === undefined || !("path" in socket)) return await serveHandler(handler, settings);
    await removeStaleSocket(socket.path);
    return await withSocketMode(settings.socketMode, () => serveHandler(handler, settings));
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isTaken = code === "EADDRINUSE" || name === "AddrInUse";
    const place = socket === undefined ? `${host}:${port}` : host;
    const taken = socket === undefined ? "the port is in use" : "the file exists, and may be in use";
    exit(FAILED, `cannot listen on ${place}: ${isTaken ? taken : errorMessage(error)}`);
  }
}

/** Loads the adapter of this runtime only. */
async function loadAdapter(): Promise<Serve> {
  if ("Bun" in globalThis) return (await import("../adapters/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("../adapters/deno.ts")).serve;
  return (await import("../adapters/node.ts")).serve;
}
