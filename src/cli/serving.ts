import { whenParsed } from "../adapters/bun.ts";
import { createHandler, type Handler } from "../http/handler.ts";
import { watchEventLoop } from "../http/metrics/event-loop-delay.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import type { Settings } from "../settings/settings.ts";
import type { CountStore } from "../store/count-store.ts";
import { logRequests, setUpLog } from "./log.ts";
import { attachStore } from "./open-counts.ts";
import type { WorkerInput } from "./workers.ts";

/** Creates the handler of a worker. */
export async function createWorkerHandler(
  { settings, attachment, metrics, id }: WorkerInput,
  signal: AbortSignal,
): Promise<Handler> {
  setUpLog(settings.log);
  const store = await attachStore(attachment, settings);
  return createMeasuredHandler(store, settings, new Metrics(metrics, id), signal);
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
