import { URL } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { checkSetting } from "../../settings/settings.ts";
import { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "../memory/sharded-store.ts";
import { type AppendCommand, LocalAppender } from "./appending.ts";
import type { CommitThreadData, ConnectCommand, StartReport } from "./commit-thread.ts";
import { DataError } from "./disk/data-error.ts";
import { DurableStore } from "./durable-store.ts";
import { AdditionRing } from "./threads/addition-ring.ts";
import { received } from "./threads/messages.ts";
import { Signals } from "./threads/signals.ts";

/** Limits of a {@linkcode DurableStore}. */
export interface DurableOptions extends ShardedStoreOptions {
  /** Additions that may wait for the disk: 1 to 2^20. Default: 10,000. */
  maxWaiting?: number;
}

/** Attaches a serving thread to the store. Send it with `port` in the transfer list. */
export interface DurableAttachment {
  /** The thread's number in the store. */
  thread: number;
  handle: StoreHandle;
  port: MessagePort;
  ring: SharedArrayBuffer;
  signals: SharedArrayBuffer;
}

/** The commit thread, as the thread that started it sees it. */
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
   * Starts the thread with the module at the URL `entry`, which must call `runCommitThread`. Resolves when
   * all counts of the folder are in memory. With `keepsAlive` the process lives until the thread ends.
   *
   * @throws {DataError} if the folder cannot be served.
   */
  static async start(
    entry: string,
    {
      folder,
      options,
      keepsAlive = false,
    }: { folder: string; options: ShardedStoreOptions; keepsAlive?: boolean },
  ): Promise<CommitThread> {
    const { port1: port, port2 } = new MessageChannel();
    const signals = new Signals();
    const data: CommitThreadData = { folder, options, port: port2, signals: signals.buffer };
    const worker = new Worker(new URL(entry), { workerData: { commitThread: data }, transferList: [port2] });
    const { promise, resolve, reject } = Promise.withResolvers<StartReport>();
    const appender = new LocalAppender(port, signals);
    const receive = (message: AppendCommand | StartReport) => {
      if ("store" in message || "songs" in message) appender.receive(message);
      else resolve(message);
    };
    port.on("message", receive);
    worker.once("error", reject);
    worker.once("exit", () => {
      // Its last messages may still wait, if this thread was busy.
      for (const message of received<AppendCommand | StartReport>(port)) receive(message);
      reject(new DataError("the commit thread has ended"));
    });
    const report = await promise;
    if ("error" in report) throw new DataError(report.error);
    worker.on("error", (error) => console.error("playcount: the commit thread has died:", error));
    port.unref();
    if (!keepsAlive) worker.unref();
    return new CommitThread(report.handle, port, signals);
  }

  /** Connects a serving thread, in place of an earlier one with the same number. */
  connect(thread: number): DurableAttachment {
    const { port1, port2 } = new MessageChannel();
    const { buffer: ring } = new AdditionRing();
    this.#port.postMessage({ thread, port: port2, ring } satisfies ConnectCommand, [port2]);
    this.#signals.wakeForMessage();
    return { thread, handle: this.handle, port: port1, ring, signals: this.#signals.buffer };
  }
}

/** Returns the store as the attached thread uses it. */
export function attachDurable(
  { thread, handle, port, ring, signals }: DurableAttachment,
  options: Pick<DurableOptions, "maxWaiting"> = {},
): DurableStore {
  const memory = ShardedStore.attach(handle, thread);
  const maxWaiting = checkSetting("maxWaiting", options.maxWaiting);
  return new DurableStore(memory, port, new AdditionRing(ring), new Signals(signals), maxWaiting);
}
