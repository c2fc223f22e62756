import process from "node:process";
import { whenParsed } from "../adapters/bun.ts";
import type { Server } from "../adapters/server.ts";
import { createHandler, type Handler } from "../http/handler.ts";
import { watchEventLoop } from "../http/metrics/event-loop-delay.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import type { Settings } from "../settings/settings.ts";
import type { CountStore } from "../store/count-store.ts";
import type { CommitThreadData } from "../store/durable/commit-thread.ts";
import { logRequests, setUpLog } from "./log.ts";
import { type Attachment, attachStore, type Counts } from "./open-counts.ts";

/** The message that starts a worker. */
interface WorkerData {
  settings: Settings;
  attachment: Attachment;
  metrics: Metrics["buffer"];
}

/**
 * Serves from several worker threads, each of which runs the module `entry`, and so {@linkcode runThread}.
 */
export async function serveWithWorkers(
  settings: Settings,
  counts: Counts,
  count: number,
  entry: string,
): Promise<Server> {
  const { serveWorkers } = await import("../adapters/bun/workers.ts");
  const metrics = new Metrics(Metrics.share(count));
  return await serveWorkers<WorkerData>({
    ...settings,
    count,
    entry,
    dataFor(worker) {
      const attachment = counts.attach(worker);
      const transfer = "port" in attachment ? [attachment.port] : [];
      return { data: { settings, attachment, metrics: metrics.buffer }, transfer };
    },
    onDeath(worker) {
      counts.release(worker);
      metrics.recordDeath(worker);
    },
  });
}

/** Runs in every thread that executes the program's module: the commit thread, or a worker. */
export async function runThread(data: { commitThread?: CommitThreadData } | undefined): Promise<void> {
  if (data?.commitThread !== undefined) {
    const { runCommitThread } = await import("../store/durable/commit-thread.ts");
    return runCommitThread(data.commitThread, () => process.exit(0));
  }
  const { runWorker } = await import("../adapters/bun/workers.ts");
  await runWorker<WorkerData>(async ({ settings, attachment, metrics }, worker, signal) => {
    setUpLog(settings.log);
    const store = await attachStore(attachment, settings);
    return createMeasuredHandler(store, settings, new Metrics(metrics, worker), signal);
  });
}

/** Creates a handler whose requests and event loop are measured by `metrics`. */
export function createMeasuredHandler(
  store: CountStore,
  settings: Settings,
  metrics: Metrics,
  signal: AbortSignal,
): Handler {
  watchEventLoop(metrics, signal);
  metrics.isServing = true;
  const waits = "Bun" in globalThis && (settings.data !== "" || settings.store !== "");
  const options = { trustsLength: true, metrics, signal, whenParsed: waits ? whenParsed : undefined };
  const handler = createHandler(store, { ...settings, ...options });
  return settings.accessLog ? logRequests(handler, settings.log) : handler;
}
