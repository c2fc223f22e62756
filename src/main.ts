#!/usr/bin/env bun
import { availableParallelism } from "node:os";
import process from "node:process";
import { isMainThread, workerData } from "node:worker_threads";
import type { Serve, Server } from "./adapters/server.ts";
import { type Command, help, readCommandLine } from "./cli/command-line.ts";
import { SETTINGS, type Settings } from "./settings/settings.ts";
import { watchEventLoop } from "./http/metrics/event-loop-delay.ts";
import type { CommitThreadData } from "./store/durable/commit-thread.ts";
import { createHandler, type Handler } from "./http/handler.ts";
import { checkHealth } from "./cli/health-check.ts";
import { isLoopback, loopbackNames } from "./cli/loopback.ts";
import { Metrics } from "./http/metrics/metrics.ts";
import type { CountStore } from "./store/count-store.ts";
import { type Attachment, attachStore, type Counts, openCounts } from "./cli/open-counts.ts";
import { VERSION } from "./version.ts";

const BAD_USAGE = 2;
const FAILED = 1;

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

if (isMainThread) await main();
else await work();

async function main(): Promise<void> {
  const command = understand();
  if (command.do === "help") console.log(help());
  else if (command.do === "version") console.log(VERSION);
  else if (command.do === "help with copy") console.log((await import("./cli/copy/arguments.ts")).copyHelp());
  else if (command.do === "copy")
    await (await import("./cli/copy/copy.ts")).copy(command.settings, command.args);
  else if (command.do === "check health") await healthCheck(command.settings);
  else await run(withHosts(command.settings));
}

function understand(): Command {
  try {
    return readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    exit(BAD_USAGE, messageOf(error));
  }
}

/** On a loopback address only loopback names are served: a page could have its own name resolve to that. */
function withHosts(settings: Settings): Settings {
  const { host, allowedHosts } = settings;
  return allowedHosts !== "" || !isLoopback(host)
    ? settings
    : { ...settings, allowedHosts: loopbackNames(host) };
}

async function run(settings: Settings): Promise<void> {
  const stopping = new AbortController();
  const workers = countWorkers(settings);
  // While the counts are read, nobody has been answered anything.
  const stopEarly = () => process.exit(0);
  process.on("SIGINT", stopEarly);
  process.on("SIGTERM", stopEarly);
  const counts = await open(settings, workers);
  const server = await listen(settings, counts, workers, stopping.signal);

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

async function open(settings: Settings, workers: number): Promise<Counts> {
  try {
    return await openCounts(settings, workers > 1 ? workers : 0, import.meta.url);
  } catch (error) {
    exit(FAILED, messageOf(error));
  }
}

async function listen(
  settings: Settings,
  counts: Counts,
  workers: number,
  stopping: AbortSignal,
): Promise<Server> {
  const { host, port } = settings;
  try {
    if (workers > 1) return await listenWithWorkers(settings, counts, workers);
    const serve = await adapter();
    return await serve(makeHandler(counts.store, settings, new Metrics(), stopping), settings);
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isTaken = code === "EADDRINUSE" || name === "AddrInUse";
    exit(FAILED, `cannot listen on ${host}:${port}: ${isTaken ? "the port is taken" : messageOf(error)}`);
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

async function listenWithWorkers(settings: Settings, counts: Counts, count: number): Promise<Server> {
  const { serveWorkers } = await import("./adapters/bun/workers.ts");
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
  return await serveWorkers({ ...settings, count, entry: import.meta.url, dataFor, onDeath });
}

/** What a thread of this program does: it writes, or it serves. */
async function work(): Promise<void> {
  const { writer } = (workerData ?? {}) as { writer?: CommitThreadData };
  if (writer !== undefined) {
    const { runCommitThread: runWriter } = await import("./store/durable/commit-thread.ts");
    return runWriter(writer, () => process.exit(0));
  }
  const { runWorker } = await import("./adapters/bun/workers.ts");
  runWorker<WorkerData>(async ({ settings, attachment, numbers }, number, signal) =>
    makeHandler(await attachStore(attachment, settings), settings, new Metrics(numbers, number), signal),
  );
}

/** The one for the runtime that this runs on; the others are not loaded. */
async function adapter(): Promise<Serve> {
  if ("Bun" in globalThis) return (await import("./adapters/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("./adapters/deno.ts")).serve;
  return (await import("./adapters/node.ts")).serve;
}

async function healthCheck(settings: Settings): Promise<void> {
  const ailment = await checkHealth(settings);
  if (ailment !== undefined) exit(FAILED, ailment);
  process.exit(0);
}

function exit(status: number, message: string): never {
  console.error(`playcount: ${message}`);
  process.exit(status);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
