import { availableParallelism } from "node:os";
import process from "node:process";
import type { Serve, Server } from "../adapters/server.ts";
import { errorMessage } from "../error-message.ts";
import { createHandler, type Handler } from "../http/handler.ts";
import { watchEventLoop } from "../http/metrics/event-loop-delay.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import { SETTINGS, type Settings } from "../settings/settings.ts";
import type { CountStore } from "../store/count-store.ts";
import type { CommitThreadData } from "../store/durable/commit-thread.ts";
import { VERSION } from "../version.ts";
import { BAD_USAGE, exit, FAILED } from "./exit.ts";
import { isLoopback, loopbackNames } from "./loopback.ts";
import { type Attachment, attachStore, type Counts, openCounts } from "./open-counts.ts";

/** Time for making durable what was counted, should all of that for stopping be used up. */
const CLOSE_SECONDS = 5;

/** Milliseconds within which a second signal is taken for the first one. */
const ONCE = 200;

/** What each worker is given. */
interface WorkerData {
  settings: Settings;
  attachment: Attachment;
  numbers: Metrics["buffer"];
}

/**
 * Serves until SIGINT or SIGTERM, then exits the process: 0 after a clean stop, 1 if it took too long.
 *
 * `entry` is the module of the program, which its threads run as well.
 */
export async function serve(given: Settings, entry: string): Promise<void> {
  const settings = withHosts(given);
  const stopping = new AbortController();
  const workers = countWorkers(settings);
  // While the counts are read, nobody has been answered anything.
  const stopEarly = () => process.exit(0);
  process.on("SIGINT", stopEarly);
  process.on("SIGTERM", stopEarly);
  const counts = await open(settings, workers, entry);
  const server = await listen(settings, counts, { workers, entry, stopping: stopping.signal });

  let stoppingSince = 0;
  async function stop(): Promise<void> {
    // What one asks for by a key may come twice: from the terminal, and from what started this program.
    if (stopping.signal.aborted && performance.now() - stoppingSince < ONCE) return;
    if (stopping.signal.aborted) exit(FAILED, "stopped at once, as asked twice");
    stoppingSince = performance.now();
    stopping.abort();
    const deadline = performance.now() + settings.shutdownSeconds * 1000;
    await server.stop(settings.shutdownSeconds);
    if (await counts.close(Math.max(CLOSE_SECONDS, (deadline - performance.now()) / 1000))) process.exit(0);
    exit(FAILED, "the disk took too long; what was answered is on it, all the same");
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.off(signal, stopEarly);
    process.on(signal, stop);
  }
  if (!isLoopback(settings.host) && settings.token === "") {
    const hint = "set PLAYCOUNT_TOKEN, or listen on 127.0.0.1";
    console.error(`playcount: warning: whoever reaches ${settings.host} can clear all counts; ${hint}`);
  }
  // Only now: whoever waits for this line may stop the program as soon as it is there.
  console.log(`playcount ${VERSION} listens on ${server.url}${settings.basePath}/`);
}

/** On a loopback address only loopback names are served: a page could have its own name resolve to that. */
function withHosts(settings: Settings): Settings {
  const { host, allowedHosts } = settings;
  return allowedHosts !== "" || !isLoopback(host)
    ? settings
    : { ...settings, allowedHosts: loopbackNames(host) };
}

async function open(settings: Settings, workers: number, entry: string): Promise<Counts> {
  try {
    return await openCounts(settings, workers > 1 ? workers : 0, entry);
  } catch (error) {
    exit(FAILED, errorMessage(error));
  }
}

async function listen(
  settings: Settings,
  counts: Counts,
  { workers, entry, stopping }: { workers: number; entry: string; stopping: AbortSignal },
): Promise<Server> {
  const { host, port } = settings;
  try {
    if (workers > 1) return await listenWithWorkers(settings, counts, workers, entry);
    const serveOnPort = await adapter();
    return await serveOnPort(makeHandler(counts.store, settings, new Metrics(), stopping), settings);
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isTaken = code === "EADDRINUSE" || name === "AddrInUse";
    exit(FAILED, `cannot listen on ${host}:${port}: ${isTaken ? "the port is taken" : errorMessage(error)}`);
  }
}

function countWorkers({ workers }: Settings): number {
  const canShare = "Bun" in globalThis;
  if (workers === "auto") return canShare ? Math.min(availableParallelism(), SETTINGS.workers.max) : 1;
  if (workers > 1 && !canShare) exit(BAD_USAGE, "more than 1 worker needs Bun");
  return workers;
}

function makeHandler(store: CountStore, settings: Settings, metrics: Metrics, signal: AbortSignal): Handler {
  watchEventLoop(metrics, signal);
  metrics.isServing = true;
  return createHandler(store, { ...settings, trustsLength: true, metrics, signal });
}

async function listenWithWorkers(
  settings: Settings,
  counts: Counts,
  count: number,
  entry: string,
): Promise<Server> {
  const { serveWorkers } = await import("../adapters/bun/workers.ts");
  const metrics = new Metrics(Metrics.share(count));
  const dataFor = (number: number) => {
    const attachment = counts.attach(number);
    const data: WorkerData = { settings, attachment, numbers: metrics.buffer };
    return { data, transfer: "port" in attachment ? [attachment.port as Bun.Transferable] : [] };
  };
  const onDeath = (number: number) => {
    counts.release(number);
    metrics.bury(number);
  };
  return await serveWorkers({ ...settings, count, entry, dataFor, onDeath });
}

/** Runs in each thread that {@linkcode serve} starts with the program's module: the commit thread, or a worker. */
export async function runThread(data: { commitThread?: CommitThreadData } | undefined): Promise<void> {
  if (data?.commitThread !== undefined) {
    const { runCommitThread } = await import("../store/durable/commit-thread.ts");
    return runCommitThread(data.commitThread, () => process.exit(0));
  }
  const { runWorker } = await import("../adapters/bun/workers.ts");
  runWorker<WorkerData>(async ({ settings, attachment, numbers }, number, signal) =>
    makeHandler(await attachStore(attachment, settings), settings, new Metrics(numbers, number), signal),
  );
}

/** The one for the runtime that this runs on; the others are not loaded. */
async function adapter(): Promise<Serve> {
  if ("Bun" in globalThis) return (await import("../adapters/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("../adapters/deno.ts")).serve;
  return (await import("../adapters/node.ts")).serve;
}
