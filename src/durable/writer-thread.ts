import type { MessagePort } from "node:worker_threads";
import { ShardedStore, type ShardedStoreOptions, type StoreHandle } from "../store/sharded-store.ts";
import { DataError, reasonOf } from "./data-error.ts";
import { DataFolder } from "./data-folder.ts";
import { Database } from "./database.ts";
import { load } from "./loading.ts";
import type { Ask } from "./messages.ts";
import { Writer } from "./writer.ts";

/** What the thread is given when it begins. */
export interface WriterData {
  folder: string;
  options: ShardedStoreOptions;
}

/** What the thread says first. */
export type Began = { handle: StoreHandle } | { error: string };

/** What the thread is sent: the end of a channel that somebody will ask through. */
export interface Connect {
  port: MessagePort;
}

/**
 * What the thread that writes does: it reads back what is in the folder, and then does what it is asked for through the
 * ports that it is given by `parent`, until one of them says stop.
 */
export function runWriter({ folder, options }: WriterData, parent: MessagePort, exit: () => void): void {
  let writer: Writer;
  try {
    const { store, writer: made } = open(folder, options);
    writer = made;
    parent.postMessage({ handle: store.handle } satisfies Began);
  } catch (error) {
    return parent.postMessage({ error: reasonOf(error) } satisfies Began);
  }
  const worker = new Shift(writer);
  parent.on("message", ({ port }: Connect) => {
    port.on("message", (ask: Ask) => {
      if (ask.do !== "stop") return worker.push({ ask, answer: (answer) => port.postMessage(answer) });
      worker.finish();
      port.postMessage({ did: "stop" });
      setTimeout(exit, 10); // the answer has to be on its way first
    });
  });
}

function open(folder: string, options: ShardedStoreOptions): { store: ShardedStore; writer: Writer } {
  const data = new DataFolder(folder);
  try {
    data.checkHead();
    const database = new Database(data.file);
    const store = new ShardedStore(options);
    load(database, store, data.mark);
    return { store, writer: new Writer(data, database, store) };
  } catch (error) {
    data.close();
    throw new DataError(`cannot serve ${data.file}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Has a writer work whenever there is something to do, and hears of what is asked in between. */
class Shift {
  readonly #writer: Writer;
  #isDue = false;
  #isOver = false;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  push(asked: Parameters<Writer["push"]>[0]): void {
    this.#writer.push(asked);
    this.#goOn();
  }

  /** Does all that there is to do. */
  finish(): void {
    this.#isOver = true;
    this.#writer.finish();
  }

  #goOn(): void {
    if (this.#isDue || this.#isOver) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isOver && this.#writer.work()) this.#goOn();
    });
  }
}
