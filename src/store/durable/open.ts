import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { checkSetting } from "../../settings/settings.ts";
import { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "../memory/sharded-store.ts";
import { AdditionRing } from "./threads/addition-ring.ts";
import { DataError } from "./disk/data-error.ts";
import { DurableStore } from "./durable-store.ts";
import { Signals } from "./threads/signals.ts";
import type { Began, Connect, CommitThreadData } from "./commit-thread.ts";

/** Limits of a {@linkcode DurableStore}. */
export interface DurableOptions extends ShardedStoreOptions {
  /** How many additions may wait for the disk: 1 to 2^20, 10,000 unless told. */
  maxWaiting?: number;
}

/** By what a thread attaches itself; `port` goes over to it. */
export interface DurableAttachment {
  /** Its number, as the store knows it. */
  thread: number;
  handle: StoreHandle;
  port: MessagePort;
  ring: SharedArrayBuffer;
  signals: SharedArrayBuffer;
}

/** The thread that writes, as others see it. */
export class CommitThread {
  readonly handle: StoreHandle;
  readonly #port: MessagePort;
  readonly #signals: Signals;

  private constructor(handle: StoreHandle, port: MessagePort, signals: Signals) {
    this.handle = handle;
    this.#port = port;
    this.#signals = signals;
  }

  /**
   * Starts the thread, which runs the module `entry` and has to call `runCommitThread`; resolves when all counts of the folder
   * are in memory.
   *
   * @throws {DataError} if they cannot be served.
   */
  static async start(
    entry: string | URL,
    { folder, options }: { folder: string; options: ShardedStoreOptions },
  ): Promise<CommitThread> {
    const { port1: port, port2 } = new MessageChannel();
    const signals = new Signals();
    const data: CommitThreadData = { folder, options, port: port2, signals: signals.buffer };
    const worker = new Worker(entry, { workerData: { commitThread: data }, transferList: [port2] });
    const { promise, resolve, reject } = Promise.withResolvers<Began>();
    port.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new DataError("the thread that writes has ended")));
    const began = await promise;
    if ("error" in began) throw new DataError(began.error);
    worker.on("error", (error) => console.error("playcount: the thread that writes has died:", error));
    port.unref();
    worker.unref();
    return new CommitThread(began.handle, port, signals);
  }

  /** Connects a thread with it, instead of the one that had the same number before. */
  connect(thread: number): DurableAttachment {
    const { port1, port2 } = new MessageChannel();
    const { buffer: ring } = new AdditionRing();
    this.#port.postMessage({ thread, port: port2, ring } satisfies Connect, [port2]);
    this.#signals.ringForMessage();
    return { thread, handle: this.handle, port: port1, ring, signals: this.#signals.buffer };
  }
}

/** The store of a thread that is connected with the one that writes. */
export function attachDurable(
  { thread, handle, port, ring, signals }: DurableAttachment,
  options: Pick<DurableOptions, "maxWaiting"> = {},
): DurableStore {
  const memory = ShardedStore.attach(handle, thread);
  const maxWaiting = checkSetting("maxWaiting", options.maxWaiting);
  return new DurableStore(memory, port, new AdditionRing(ring), new Signals(signals), maxWaiting);
}
