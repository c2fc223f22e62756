import type { Handler } from "../../http/handler.ts";
import { serve } from "../bun.ts";
import { settlesWithin } from "../../async.ts";
import { type Server, urlOf } from "../server.ts";
import { acquireStartLock } from "./start-lock.ts";

/** Least time between two starts of one thread. */
const RESTART_MS = 1000;

/** Seconds after its own deadline in which a thread may still report that it has stopped. */
const MARGIN_SECONDS = 1;

/** Describes a server of several threads. `D` is the data that each thread makes its handler of. */
export interface WorkersOptions<D> {
  host: string;
  /** Port from 1 to 65535, or 0 for any free port. */
  port: number;
  /** Number of threads; they are numbered from 1. */
  count: number;
  /** Module that each thread runs, which has to call {@linkcode runWorker}. */
  entry: string;
  /** Returns the data that is posted to a thread when it starts; `transfer` is moved to it. */
  dataFor: (number: number) => { data: D; transfer?: readonly Bun.Transferable[] };
  /** Called whenever a thread has ended, and before it is replaced. */
  onDeath: (number: number) => void;
}

/** Makes the handler of one thread. */
export type MakeHandler<D> = (data: D, number: number, signal: AbortSignal) => Handler | Promise<Handler>;

type Order<D> =
  { do: "serve"; host: string; port: number; number: number; data: D } | { do: "stop"; graceSeconds: number };

/** Report of a thread. The first is `load`: a message that is posted to it before is lost. */
type Report = { did: "load" } | { did: "listen" } | { did: "fail"; message: string } | { did: "stop" };

/**
 * Serves from several threads of this process, all on one port, and replaces each that dies.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 */
export async function serveWorkers<D>(options: WorkersOptions<D>): Promise<Server> {
  const turn = await acquireStartLock();
  try {
    return await startWorkers(options);
  } finally {
    turn.end();
  }
}

async function startWorkers<D>(options: WorkersOptions<D>): Promise<Server> {
  const { host, count } = options;
  // A shared port is shared with any other program of the same user, so it is probed first. A client that
  // connects at this moment is told to try again.
  const place = await serve(
    () => new Response(null, { status: 503, headers: { "retry-after": "1" } }),
    options,
  );
  const port = Number(new URL(place.url).port || 80); // a URL leaves 80 out
  await place.stop(0);
  const threads = Array.from({ length: count }, (_, at) => new Thread({ ...options, port }, at + 1));
  await Promise.all(threads.map((thread) => thread.start()));
  return {
    url: urlOf(host, port),
    async stop(graceSeconds) {
      await Promise.all(threads.map((thread) => thread.stop(graceSeconds)));
    },
  };
}

/** One thread, as the main thread sees it; it may be started several times. */
class Thread<D> {
  readonly #options: WorkersOptions<D>;
  readonly #number: number;
  #worker: Worker | undefined;
  #isStopping = false;
  #stopped: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: WorkersOptions<D>, number: number) {
    this.#options = options;
    this.#number = number;
  }

  /** Starts the thread. Resolves when it listens, and rejects if it cannot. */
  start(): Promise<void> {
    const { entry, host, port, dataFor } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startedAt = performance.now();
    const worker = new Worker(entry);
    let reason = "it ended";
    this.#worker = worker;
    worker.addEventListener("message", ({ data: report }: MessageEvent<Report>) => {
      if (report.did === "listen") return resolve();
      if (report.did === "stop") return this.#stopped.resolve();
      // A thread that cannot listen is ended, and so is one that loads while the server stops.
      if (report.did === "fail" || this.#isStopping) {
        reason = report.did === "fail" ? report.message : reason;
        worker.terminate();
      } else {
        const { data, transfer } = dataFor(this.#number);
        this.#order({ do: "serve", host, port, number: this.#number, data }, transfer);
      }
    });
    worker.addEventListener("error", (event) => {
      // Bun's message begins with lines of the source.
      reason =
        /^(?:\w*Error|error): .*$/m.exec(event.message)?.[0] ?? event.message.split("\n", 1)[0] ?? reason;
    });
    worker.addEventListener("close", () => {
      reject(new Error(reason)); // without effect if the thread has listened
      this.#bury(reason, performance.now() - startedAt);
    });
    return promise;
  }

  /** Resolves when the thread has stopped, or was ended because it did not within `graceSeconds`. */
  async stop(graceSeconds: number): Promise<void> {
    this.#isStopping = true;
    if (this.#worker === undefined) return;
    this.#order({ do: "stop", graceSeconds });
    await settlesWithin(this.#stopped.promise, graceSeconds + MARGIN_SECONDS);
    this.#worker?.terminate();
  }

  #order(order: Order<D>, transfer: readonly Bun.Transferable[] = []): void {
    this.#worker?.postMessage(order, [...transfer]);
  }

  #bury(reason: string, ranMs: number): void {
    this.#worker = undefined;
    this.#options.onDeath(this.#number); // also while stopping: the other threads still answer requests
    if (this.#isStopping) return this.#stopped.resolve();
    console.error(`playcount: worker ${this.#number} died and is replaced; no count is lost: ${reason}`);
    const restart = () => {
      if (!this.#isStopping) this.start().catch(() => {}); // its "close" event restarts it
    };
    setTimeout(restart, Math.max(0, RESTART_MS - ranMs));
  }
}

/**
 * Runs a thread: makes its handler and serves when the main thread orders it, and stops on the next order.
 */
export function runWorker<D>(makeHandler: MakeHandler<D>): void {
  const stopping = new AbortController();
  let server: Server | undefined;
  const report = (what: Report) => postMessage(what);

  async function listen({ host, port, number, data }: Extract<Order<D>, { do: "serve" }>): Promise<void> {
    try {
      server = await serve(await makeHandler(data, number, stopping.signal), { host, port, isShared: true });
      report({ did: "listen" });
    } catch (error) {
      report({ did: "fail", message: error instanceof Error ? error.message : String(error) });
    }
  }

  addEventListener("message", async ({ data: order }: MessageEvent<Order<D>>) => {
    if (order.do === "serve") return listen(order);
    stopping.abort();
    await server?.stop(order.graceSeconds);
    report({ did: "stop" });
  });
  report({ did: "load" });
}
