import type { MessagePort } from "node:worker_threads";
import type { ShardedStoreOptions, StoreHandle } from "../memory/sharded-store.ts";
import { RemoteAppender } from "./appending.ts";
import { Committer } from "./committer.ts";
import { ensureDatabase } from "./disk/creation.ts";
import { DataError } from "./disk/data-error.ts";
import { DataFolder } from "./disk/data-folder.ts";
import { Database } from "./disk/database.ts";
import { load } from "./disk/loading.ts";
import { AdditionRing } from "./threads/addition-ring.ts";
import { received, type WriteCommand, type WriteReply } from "./threads/messages.ts";
import { Signals } from "./threads/signals.ts";

/** The thread's input. Serving threads are announced through `port` as {@linkcode ConnectCommand}s. */
export interface CommitThreadData {
  folder: string;
  options: ShardedStoreOptions;
  port: MessagePort;
  signals: SharedArrayBuffer;
}

/** The thread's first message: the store is loaded, or why the folder cannot be served. */
export type StartReport = { handle: StoreHandle } | { error: string };

/** Connects a serving thread, in place of an earlier one with the same number. */
export interface ConnectCommand {
  thread: number;
  port: MessagePort;
  ring: SharedArrayBuffer;
}

/**
 * Runs the commit thread: loads the folder, then commits until a `stop` command, and calls `exit`. Sends a
 * {@linkcode StartReport} first.
 */
export function runCommitThread(data: CommitThreadData, exit: () => void): void {
  const { port, signals } = data;
  try {
    const loop = new CommitLoop(port, new Signals(signals), open(data));
    port.postMessage({ handle: loop.committer.store.handle } satisfies StartReport);
    loop.run();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    port.postMessage({ error: error.message } satisfies StartReport);
  }
  setTimeout(exit, 10); // the last message has to be delivered first
}

function open({ folder, options, port, signals }: CommitThreadData): Committer {
  const data = new DataFolder(folder);
  try {
    ensureDatabase(data);
    const appender = new RemoteAppender(port, new Signals(signals));
    const store = load(data.file, data.recordedCommit, options, appender);
    const database = new Database(data.file, store.handle.hashKey);
    data.openRecord();
    data.watchFiles();
    return new Committer(data, database, store, new Signals(signals));
  } catch (error) {
    data.abandon();
    throw data.describe(error);
  }
}

/** Runs a committer while it has work, and sleeps otherwise. The thread never returns to its event loop. */
class CommitLoop {
  readonly committer: Committer;
  readonly #parent: MessagePort;
  readonly #signals: Signals;
  readonly #ports = new Map<number, MessagePort>();
  /** Messages received until now, as {@linkcode Signals.messages} counts them. */
  #messages = 0;
  /** The port that sent `stop`. */
  #stopping: MessagePort | undefined;

  constructor(parent: MessagePort, signals: Signals, committer: Committer) {
    this.#parent = parent;
    this.#signals = signals;
    this.committer = committer;
  }

  run(): void {
    for (;;) {
      const { wakeUps } = this.#signals;
      this.#receive();
      if (this.committer.work()) continue;
      if (this.#stopping !== undefined) return this.#finish(this.#stopping);
      this.#signals.sleep(wakeUps, this.committer.background.idleMs);
      while (this.#signals.wakeUps === wakeUps && this.committer.background.step());
    }
  }

  #receive(): void {
    const { messages } = this.#signals;
    if (messages === this.#messages) return;
    this.#messages = messages;
    for (const { thread, port, ring } of received<ConnectCommand>(this.#parent)) {
      this.#ports.set(thread, port);
      this.committer.rings.set(thread, new AdditionRing(ring));
    }
    for (const port of this.#ports.values())
      for (const command of received<WriteCommand>(port)) this.#accept(command, port);
  }

  #accept(command: WriteCommand, port: MessagePort): void {
    if (command.do === "stop") this.#stopping = port;
    else this.committer.push({ command, reply: (reply) => port.postMessage(reply) });
  }

  #finish(stopping: MessagePort): void {
    stopping.postMessage({ did: "control", value: this.committer.finish() } satisfies WriteReply);
  }
}
