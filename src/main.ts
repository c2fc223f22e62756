#!/usr/bin/env bun
import { availableParallelism } from "node:os";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { Serve, Server } from "./adapters/server.ts";
import { type Command, help, readCommandLine } from "./command-line.ts";
import { SETTINGS, type Settings } from "./config.ts";
import { watchEventLoop } from "./event-loop-delay.ts";
import { createHandler, type Handler } from "./handler.ts";
import { checkHealth } from "./health-check.ts";
import { isLoopback, loopbackNames } from "./loopback.ts";
import { Metrics } from "./metrics.ts";
import { ShardedStore, type StoreHandle } from "./store/sharded-store.ts";
import { VERSION } from "./version.ts";

const BAD_USAGE = 2;
const FAILED = 1;

/** What each worker is given. */
interface WorkerData {
  settings: Settings;
  handle: StoreHandle;
  numbers: Metrics["buffer"];
}

if (isMainThread) await main();
else await work();

async function main(): Promise<void> {
  const command = understand();
  if (command.do === "help") console.log(help());
  else if (command.do === "version") console.log(VERSION);
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
  const server = await listen(settings, stopping.signal);

  async function stop(): Promise<void> {
    if (stopping.signal.aborted) exit(FAILED, "stopped at once, as asked twice");
    stopping.abort();
    await server.stop(settings.shutdownSeconds);
    process.exit(0);
  }
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if (!isLoopback(settings.host) && settings.token === "") {
    const hint = "set PLAYCOUNT_TOKEN, or listen on 127.0.0.1";
    console.error(`playcount: warning: whoever reaches ${settings.host} can clear all counts; ${hint}`);
  }
  // Only now: whoever waits for this line may stop the program as soon as it is there.
  console.log(`playcount ${VERSION} listens on ${server.url}${settings.basePath}/`);
}

async function listen(settings: Settings, stopping: AbortSignal): Promise<Server> {
  const { host, port } = settings;
  const count = countWorkers(settings);
  const store = makeStore(settings, count > 1 ? count : 0);
  try {
    if (count > 1) return await listenWithWorkers(settings, store, count);
    const serve = await adapter();
    return await serve(makeHandler(store, settings, new Metrics(), stopping), settings);
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

function makeStore(settings: Settings, threads: number): ShardedStore {
  try {
    return new ShardedStore({ ...settings, threads });
  } catch (error) {
    exit(FAILED, messageOf(error));
  }
}

function makeHandler(
  store: ShardedStore,
  settings: Settings,
  metrics: Metrics,
  signal: AbortSignal,
): Handler {
  watchEventLoop(metrics, signal);
  metrics.isServing = true;
  return createHandler(store, { ...settings, trustsLength: true, metrics, signal });
}

async function listenWithWorkers(settings: Settings, store: ShardedStore, count: number): Promise<Server> {
  const { serveWorkers } = await import("./adapters/bun-workers.ts");
  const metrics = new Metrics(Metrics.share(count));
  const data: WorkerData = { settings, handle: store.handle, numbers: metrics.buffer };
  const onDeath = (number: number) => {
    store.release(number);
    metrics.bury(number);
  };
  return await serveWorkers({ ...settings, count, entry: import.meta.url, data, onDeath });
}

async function work(): Promise<void> {
  const { runWorker } = await import("./adapters/bun-workers.ts");
  runWorker<WorkerData>(({ settings, handle, numbers }, number, signal) =>
    makeHandler(ShardedStore.attach(handle, number), settings, new Metrics(numbers, number), signal),
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
