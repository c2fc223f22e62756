import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { settle } from "../config.ts";
import { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "../store/sharded-store.ts";
import { DataError } from "./data-error.ts";
import { DurableStore } from "./durable-store.ts";
import type { Began, Connect, WriterData } from "./writer-thread.ts";

/** Limits of a {@linkcode DurableStore}. */
export interface DurableOptions extends ShardedStoreOptions {
  /** How many additions may wait for the disk: 1 to 2^20, 10,000 unless told. */
  maxWaiting?: number;
}

/** The thread that writes, as others see it. */
export class WriterThread {
  readonly handle: StoreHandle;
  readonly #worker: Worker;

  private constructor(worker: Worker, handle: StoreHandle) {
    this.#worker = worker;
    this.handle = handle;
  }

  /**
   * Starts the thread, which runs the module `entry` and has to call `runWriter`; resolves when all counts of the folder
   * are in memory.
   *
   * @throws {DataError} if they cannot be served.
   */
  static async start(entry: string | URL, data: WriterData): Promise<WriterThread> {
    const worker = new Worker(entry, { workerData: { writer: data } });
    const { promise, resolve, reject } = Promise.withResolvers<Began>();
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new DataError("the thread that writes has ended")));
    const began = await promise;
    if ("handle" in began) return new WriterThread(worker, began.handle);
    await worker.terminate();
    throw new DataError(began.error);
  }

  /** Makes a channel to the thread; the other end is for whoever is to ask. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ port: port2 } satisfies Connect, [port2]);
    return port1;
  }

  /** Calls `then` when the thread has ended. */
  onExit(then: () => void): void {
    this.#worker.once("exit", then);
  }
}

/** The store of a folder, as the thread with this number uses it. */
export function attachDurable(
  handle: StoreHandle,
  thread: number,
  port: MessagePort,
  options: Pick<DurableOptions, "maxWaiting"> = {},
): DurableStore {
  return new DurableStore(
    ShardedStore.attach(handle, thread),
    port,
    settle("maxWaiting", options.maxWaiting),
  );
}
