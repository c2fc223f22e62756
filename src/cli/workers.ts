import { parentPort, Worker, workerData } from "node:worker_threads";
import { serve } from "../adapters/bun.ts";
import { type ListenOptions, type Server, urlOf } from "../adapters/server.ts";
import { resolvesWithin } from "../async/timing.ts";
import { errorMessage } from "../error-message.ts";
import { answerError, type Handler } from "../http/handler.ts";
import { Metrics } from "../http/metrics/metrics.ts";
import type { Settings } from "../settings/settings.ts";
import { Refusal } from "../store/refusal.ts";
import type { Attachment, Counts } from "./open-counts.ts";
import { acquireStartLock } from "./start-lock.ts";

/** Minimum time between two starts of one worker. */
const RESTART_MS = 1000;

/** Extra time for a worker to report, after its own deadline, that it has stopped. */
const MARGIN_SECONDS = 1;

/** Options of a server with several workers, which are threads. */
export interface WorkersOptions {
  settings: Settings;
  counts: Pick<Counts, "attach" | "release">;
  /** Number of workers; their ids count from 1. */
  count: number;
  /** URL of the module that each worker runs. It must call {@linkcode runWorker}. */
  entry: string;
}

/** The data of a worker's thread. */
export interface WorkerInput {
  settings: Settings;
  id: number;
  attachment: Attachment;
  metrics: Metrics["buffer"];
}

/** Message from the main thread to a worker. */
type WorkerCommand = { do: "drain" } | { do: "stop"; graceSeconds: number };

/** Message from a worker. */
type WorkerEvent = "listens" | "has stopped";

/**
 * Serves from several workers, all on one port, and replaces each that dies.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 */
export async function serveWorkers(options: WorkersOptions): Promise<Server> {
  const { settings, count } = options;
  const metrics = new Metrics(Metrics.share(count));
  const releaseLock = await acquireStartLock();
  try {
    const port = await probePort(settings);
    const shared = { ...options, settings: { ...settings, port }, metrics };
    const workers = Array.from({ length: count }, (_, at) => new Supervisor(shared, at + 1));
    await Promise.all(workers.map((worker) => worker.start()));
    return {
      url: urlOf(settings.host, port),
      drain: () => workers.forEach((worker) => worker.drain()),
      async stop(graceSeconds) {
        await Promise.all(workers.map((worker) => worker.stop(graceSeconds)));
      },
    };
  } finally {
    releaseLock();
  }
}

/**
 * Returns the port after it was open unshared: other programs of the same user can share a port that workers
 * share. A client that connects at this moment gets 503 and retries.
 */
async function probePort(options: ListenOptions): Promise<number> {
  const probe = await serve(
    (request) => answerError(request, Refusal.unavailable("The server is starting")),
    options,
  );
  await probe.stop(0);
  return Number(new URL(probe.url).port || 80); // a URL leaves 80 out
}

/** Starts, stops and restarts one worker, from the main thread. */
class Supervisor {
  readonly #shared: WorkersOptions & { metrics: Metrics };
  readonly #id: number;
  #worker: Worker | undefined;
  #isDraining = false;
  #isStopping = false;
  #stopped: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(shared: WorkersOptions & { metrics: Metrics }, id: number) {
    this.#shared = shared;
    this.#id = id;
  }

  /** Starts the worker. Resolves when it listens, and rejects if it cannot. */
  start(): Promise<void> {
    const { settings, counts, metrics, entry } = this.#shared;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startedAt = performance.now();
    const attachment = counts.attach(this.#id);
    const input: WorkerInput = { settings, id: this.#id, attachment, metrics: metrics.buffer };
    const transferList = "port" in attachment ? [attachment.port] : [];
    const worker = new Worker(new URL(entry), { workerData: input, transferList });
    let reason = "it ended";
    this.#worker = worker;
    worker.on("message", (event: WorkerEvent) => {
      if (event === "has stopped") return this.#stopped.resolve();
      if (this.#isDraining) this.drain(); // it replaces a worker that died meanwhile
      resolve();
    });
    worker.on("error", (error) => {
      reason = `error: ${errorMessage(error)}`;
      reject(error); // without effect if the worker has listened
    });
    worker.on("exit", () => {
      reject(new Error(reason));
      this.#handleDeath(reason, performance.now() - startedAt);
    });
    return promise;
  }

  /** Closes each connection after the answer to its next request. */
  drain(): void {
    this.#isDraining = true;
    this.#worker?.postMessage({ do: "drain" } satisfies WorkerCommand);
  }

  /** Resolves when the worker has stopped, or was terminated because it did not within `graceSeconds`. */
  async stop(graceSeconds: number): Promise<void> {
    this.#isStopping = true;
    if (this.#worker === undefined) return;
    this.#worker.postMessage({ do: "stop", graceSeconds } satisfies WorkerCommand);
    await resolvesWithin(this.#stopped.promise, graceSeconds + MARGIN_SECONDS);
    this.#worker?.terminate();
  }

  #handleDeath(reason: string, ranMs: number): void {
    this.#worker = undefined;
    this.#shared.counts.release(this.#id); // also while stopping: the other workers still answer requests
    this.#shared.metrics.recordDeath(this.#id);
    if (this.#isStopping) return this.#stopped.resolve();
    console.error(`playcount: worker ${this.#id} died and is replaced; no count is lost: ${reason}`);
    const restart = () => {
      if (!this.#isStopping) this.start().catch(() => {}); // its "exit" event restarts it
    };
    setTimeout(restart, Math.max(0, RESTART_MS - ranMs));
  }
}

/**
 * Runs in a worker: serves the handler that `makeHandler` returns, until the main thread commands a stop.
 * `signal` is aborted when the worker begins to stop.
 */
export async function runWorker(
  makeHandler: (input: WorkerInput, signal: AbortSignal) => Handler | Promise<Handler>,
): Promise<void> {
  const input = workerData as WorkerInput;
  const stopping = new AbortController();
  let server: Server | undefined = undefined;
  const post = (event: WorkerEvent) => parentPort?.postMessage(event);
  parentPort?.on("message", async (command: WorkerCommand) => {
    stopping.abort();
    if (command.do === "drain") return server?.drain();
    await server?.stop(command.graceSeconds);
    post("has stopped");
  });
  const handler = await makeHandler(input, stopping.signal);
  server = await serve(handler, { ...input.settings, isShared: true });
  post("listens");
}
