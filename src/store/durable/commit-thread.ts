import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "../memory/sharded-store.ts";
import { AdditionRing } from "./threads/addition-ring.ts";
import { ensureDatabase, removeUnfinished } from "./disk/creation.ts";
import { DataError } from "./disk/data-error.ts";
import { DataFolder } from "./disk/data-folder.ts";
import { Database } from "./disk/database.ts";
import { load } from "./disk/loading.ts";
import type { WriteReply, WriteCommand } from "./threads/messages.ts";
import { Signals } from "./threads/signals.ts";
import { Committer } from "./committer.ts";
import { errorMessage } from "../../error-message.ts";

/** What the thread is given when it begins; through `port` it is told who is there to ask something. */
export interface CommitThreadData {
  folder: string;
  options: ShardedStoreOptions;
  port: MessagePort;
  signals: SharedArrayBuffer;
}

/** What the thread says first. */
export type Began = { handle: StoreHandle } | { error: string };

/** Somebody who will ask through these, instead of whoever had this number before. */
export interface Connect {
  thread: number;
  port: MessagePort;
  ring: SharedArrayBuffer;
}

/**
 * What the thread that writes does: it reads back what is in the folder, and then does what it is asked for, until
 * somebody says stop. Why the folder cannot be served is told to whoever started the thread.
 */
export function runCommitThread(data: CommitThreadData, exit: () => void): void {
  const { port, signals } = data;
  try {
    const shift = new Shift(port, new Signals(signals), open(data));
    port.postMessage({ handle: shift.writer.store.handle } satisfies Began);
    shift.work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    port.postMessage({ error: error.message } satisfies Began);
  }
  setTimeout(exit, 10); // what was said last has to be on its way first
}

function open({ folder, options, signals }: CommitThreadData): Committer {
  const data = new DataFolder(folder);
  try {
    removeUnfinished(data.file);
    if (data.mark === 0) ensureDatabase(data.file);
    const store = new ShardedStore(options);
    load(data.file, store, data.mark);
    const database = new Database(data.file);
    return new Committer(data, database, store, new Signals(signals));
  } catch (error) {
    data.close();
    throw new DataError(`cannot serve ${data.file}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Has a writer work whenever there is something to do, and sleeps in between: its thread has no events. */
class Shift {
  readonly writer: Committer;
  readonly #parent: MessagePort;
  readonly #signals: Signals;
  readonly #ports = new Map<number, MessagePort>();
  #messages = 0;
  /** Who wants to hear that all is over. */
  #stopping: MessagePort | undefined;

  constructor(parent: MessagePort, signals: Signals, writer: Committer) {
    this.#parent = parent;
    this.#signals = signals;
    this.writer = writer;
  }

  work(): void {
    for (;;) {
      const { rung } = this.#signals;
      this.#receive();
      if (this.writer.work()) continue;
      if (this.#stopping !== undefined) return this.#finish(this.#stopping);
      this.#signals.sleep(rung, this.writer.background.pause);
      while (this.#signals.rung === rung && this.writer.background.step());
    }
  }

  /** Takes the messages that have come. */
  #receive(): void {
    const { messages } = this.#signals;
    if (messages === this.#messages) return;
    this.#messages = messages;
    for (const { thread, port, ring } of received<Connect>(this.#parent)) {
      this.#ports.set(thread, port);
      this.writer.rings.set(thread, new AdditionRing(ring));
    }
    for (const port of this.#ports.values())
      for (const ask of received<WriteCommand>(port)) this.#hear(ask, port);
  }

  #hear(ask: WriteCommand, port: MessagePort): void {
    if (ask.do === "stop") this.#stopping = port;
    else this.writer.push({ ask, answer: (answer) => port.postMessage(answer) });
  }

  #finish(stopping: MessagePort): void {
    this.writer.finish();
    stopping.postMessage({ did: "control", value: true } satisfies WriteReply);
  }
}

function* received<T>(port: MessagePort): Generator<T> {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
    yield got.message as T;
}
