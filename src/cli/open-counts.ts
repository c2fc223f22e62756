import type { Settings } from "../settings/settings.ts";
import { attachDurable, type DurableAttachment, CommitThread } from "../store/durable/open.ts";
import type { DurableStore } from "../store/durable/durable-store.ts";
import type { LayoutData } from "../store/redis/shards/layout.ts";
import type { CountStore } from "../store/count-store.ts";
import { ShardedStore, type StoreHandle } from "../store/memory/sharded-store.ts";

/** By what a worker attaches itself to the counts. */
export type Attachment =
  | { thread: number; handle: StoreHandle }
  | DurableAttachment
  | { layout: LayoutData; plays: SharedArrayBuffer; thread: number };

/** The counts of a process, as its main thread has them. */
export interface Counts {
  /** For a main thread that serves by itself. */
  readonly store: CountStore;
  /** For the worker of a number, when it begins. */
  attach(worker: number): Attachment;
  /** Puts right what a worker left behind when it died. */
  release(worker: number): void;
  /** Makes all durable that was asked for. Tells whether that took less than `seconds`. */
  close(seconds: number): Promise<boolean>;
}

/**
 * Opens the counts that the settings say, for so many workers; 0 if the main thread serves by itself. `entry` is the
 * module of the program.
 *
 * @throws {RangeError} if there is no memory for them, or they are laid out in another way; {DataError} if they cannot be
 * read back.
 */
export async function openCounts(settings: Settings, workers: number, entry: string): Promise<Counts> {
  if (settings.store !== "") return await inRedis(settings);
  return settings.data === "" ? inMemory(settings, workers) : await durable(settings, workers, entry);
}

/** The store of a worker. */
export async function attachStore(attachment: Attachment, settings: Settings): Promise<CountStore> {
  if ("layout" in attachment) {
    const { attachRedis } = await import("../store/redis/open.ts");
    return await attachRedis(attachment, settings, attachment.thread);
  }
  return "port" in attachment
    ? attachDurable(attachment, settings)
    : ShardedStore.attach(attachment.handle, attachment.thread);
}

function inMemory(settings: Settings, workers: number): Counts {
  const store = new ShardedStore({ ...settings, threads: workers });
  return {
    store,
    attach: (thread) => ({ thread, handle: store.handle }),
    release: (worker) => store.release(worker),
    close: () => Promise.resolve(true),
  };
}

/** The thread that writes has made the store, so the main thread attaches itself behind all workers. */
async function durable(settings: Settings, workers: number, entry: string): Promise<Counts> {
  const own = workers + 1;
  const options = { ...settings, threads: own };
  const writer = await CommitThread.start(new URL(entry), { folder: settings.data, options });
  const store: DurableStore = attachDurable(writer.connect(own), settings);
  const memory = ShardedStore.attach(writer.handle, own);
  return {
    store,
    attach: (worker) => writer.connect(worker),
    release: (worker) => memory.release(worker),
    close: (seconds) => store.close(seconds),
  };
}

/** Each thread has connections of its own. Loaded only if it is asked for: other runtimes have no such client. */
async function inRedis(settings: Settings): Promise<Counts> {
  if (!("Bun" in globalThis)) throw new RangeError("--store needs Bun");
  const { openRedis } = await import("../store/redis/open.ts");
  const { store, layout, plays } = await openRedis(settings, (line) => console.error(`playcount: ${line}`));
  return {
    store,
    attach: (thread) => ({ layout, plays, thread }),
    release: () => {},
    close: () => Promise.resolve(true), // what was answered is in Redis
  };
}
