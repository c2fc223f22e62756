import { answerError, type Handler } from "../../http/handler.ts";
import { Problem } from "../../http/response/problem.ts";
import { serve } from "../bun.ts";
import { resolvesWithin } from "../../async/timing.ts";
import { errorMessage } from "../../error-message.ts";
import { type ListenOptions, type Server, urlOf } from "../server.ts";
import { acquireStartLock } from "./start-lock.ts";

/** Minimum time between two starts of one worker. */
const RESTART_MS = 1000;

/** Extra time for a worker to report, after its own deadline, that it has stopped. */
const MARGIN_SECONDS = 1;

/**
 * Options of a server with several workers, which are threads. `D` is the data that a worker makes its
 * handler of.
 */
export interface WorkersOptions<D> extends Omit<ListenOptions, "isShared"> {
  /** Number of workers; their ids count from 1. */
  count: number;
  /** URL of the module that each worker runs. It must call {@linkcode runWorker}. */
  entry: string;
  /** Returns the data to post to a worker that starts, and the objects to transfer with it. */
  dataFor: (id: number) => { data: D; transfer?: readonly Bun.Transferable[] };
  /** Called when a worker has ended, before it is replaced. */
  onDeath: (id: number) => void;
}

/** Makes the handler of a worker; `signal` is aborted when the worker begins to stop. */
export type MakeHandler<D> = (data: D, id: number, signal: AbortSignal) => Handler | Promise<Handler>;

/** Message from the main thread to a worker. */
type WorkerCommand<D> =
  | { do: "serve"; host: string; port: number; id: number; data: D }
  | { do: "drain" }
  | { do: "stop"; graceSeconds: number };

/** Message from a worker. The first is `load`: a command that is posted before is lost. */
type WorkerEvent = { did: "load" } | { did: "listen" } | { did: "fail"; message: string } | { did: "stop" };

/**
 * Serves from several workers, all on one port, and replaces each that dies.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 */
export async function serveWorkers<D>(options: WorkersOptions<D>): Promise<Server> {
  const releaseLock = await acquireStartLock();
  try {
    return await startWorkers(options);
  } finally {
    releaseLock();
  }
}

async function startWorkers<D>(options: WorkersOptions<D>): Promise<Server> {
  const { host, count } = options;
  // Other programs of the same user can share a port that workers share, so the port is first opened
  // unshared. A client that connects at this moment gets 503 and retries.
  const probe = await serve(
    (request) => answerError(request, Problem.of("Unavailable", "The server is starting")),
    options,
  );
  const port = Number(new URL(probe.url).port || 80); // a URL leaves 80 out
  await probe.stop(0);
  const workers = Array.from({ length: count }, (_, at) => new Supervisor({ ...options, port }, at + 1));
  await Promise.all(workers.map((worker) => worker.start()));
  return {
    url: urlOf(host, port),
    drain() {
      for (const worker of workers) worker.drain();
    },
    async stop(graceSeconds) {
      await Promise.all(workers.map((worker) => worker.stop(graceSeconds)));
    },
  };
}

/** Starts, stops and restarts one worker, from the main thread. */
class Supervisor<D> {
  readonly #options: WorkersOptions<D>;
  readonly #id: number;
  #worker: Worker | undefined;
  #isDraining = false;
  #isStopping = false;
  #stopped: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: WorkersOptions<D>, id: number) {
    this.#options = options;
    this.#id = id;
  }

  /** Starts the worker. Resolves when it listens, and rejects if it cannot. */
  start(): Promise<void> {
    const { entry, host, port, dataFor } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startedAt = performance.now();
    const worker = new Worker(entry);
    let reason = "it ended";
    this.#worker = worker;
    worker.addEventListener("message", ({ data: event }: MessageEvent<WorkerEvent>) => {
      if (event.did === "listen") {
        if (this.#isDraining) this.drain(); // it replaces a worker that died meanwhile
        return resolve();
      }
      if (event.did === "stop") return this.#stopped.resolve();
      // A worker that cannot listen is ended, and so is one that loads while the server stops.
      if (event.did === "fail" || this.#isStopping) {
        reason = event.did === "fail" ? event.message : reason;
        worker.terminate();
      } else {
        const { data, transfer } = dataFor(this.#id);
        this.#post({ do: "serve", host, port, id: this.#id, data }, transfer);
      }
    });
    worker.addEventListener("error", (event) => {
      // Bun's message begins with lines of the source.
      reason =
        /^(?:\w*Error|error): .*$/m.exec(event.message)?.[0] ?? event.message.split("\n", 1)[0] ?? reason;
    });
    worker.addEventListener("close", () => {
      reject(new Error(reason)); // without effect if the worker has listened
      this.#handleDeath(reason, performance.now() - startedAt);
    });
    return promise;
  }

  /** Closes each connection after the answer to its next request. */
  drain(): void {
    this.#isDraining = true;
    this.#post({ do: "drain" });
  }

  /** Resolves when the worker has stopped, or was terminated because it did not within `graceSeconds`. */
  async stop(graceSeconds: number): Promise<void> {
    this.#isStopping = true;
    if (this.#worker === undefined) return;
    this.#post({ do: "stop", graceSeconds });
    await resolvesWithin(this.#stopped.promise, graceSeconds + MARGIN_SECONDS);
    this.#worker?.terminate();
  }

  #post(command: WorkerCommand<D>, transfer: readonly Bun.Transferable[] = []): void {
    this.#worker?.postMessage(command, [...transfer]);
  }

  #handleDeath(reason: string, ranMs: number): void {
    this.#worker = undefined;
    this.#options.onDeath(this.#id); // also while stopping: the other workers still answer requests
    if (this.#isStopping) return this.#stopped.resolve();
    console.error(`playcount: worker ${this.#id} died and is replaced; no count is lost: ${reason}`);
    const restart = () => {
      if (!this.#isStopping) this.start().catch(() => {}); // its "close" event restarts it
    };
    setTimeout(restart, Math.max(0, RESTART_MS - ranMs));
  }
}

/** Runs in a worker: makes its handler and serves on the first command, and stops on the next. */
export function runWorker<D>(makeHandler: MakeHandler<D>): void {
  const stopping = new AbortController();
  let server: Server | undefined;
  const post = (event: WorkerEvent) => postMessage(event);

  async function listen({ host, port, id, data }: Extract<WorkerCommand<D>, { do: "serve" }>): Promise<void> {
    try {
      server = await serve(await makeHandler(data, id, stopping.signal), { host, port, isShared: true });
      post({ did: "listen" });
    } catch (error) {
      post({ did: "fail", message: errorMessage(error) });
    }
  }

  addEventListener("message", async ({ data: command }: MessageEvent<WorkerCommand<D>>) => {
    if (command.do === "serve") return listen(command);
    stopping.abort();
    if (command.do === "drain") return server?.drain();
    await server?.stop(command.graceSeconds);
    post({ did: "stop" });
  });
  post({ did: "load" });
}
