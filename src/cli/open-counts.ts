import { resolve } from "node:path";
import type { Settings } from "../settings/settings.ts";
import { attachDurable, type DurableAttachment, CommitThread } from "../store/durable/open.ts";
import type { LayoutData } from "../store/redis/shards/layout.ts";
import type { CountStore } from "../store/count-store.ts";
import { ShardedStore, type StoreHandle } from "../store/memory/sharded-store.ts";

/** Message by which a worker attaches to the counts, in memory, on disk or in Redis. */
export type Attachment = { thread: number; handle: StoreHandle } | DurableAttachment | { layout: LayoutData };

/** The counts of a process, as the main thread holds them. */
export interface Counts {
  /** Says where the counts are kept. */
  readonly place: string;
  /** Says what has become of the counts when the process has closed them. */
  readonly fate: string;
  /** The store of a main thread that serves without workers. */
  readonly store: CountStore;
  /** Returns the attachment for a worker that starts. */
  attach(worker: number): Attachment;
  /** Releases the locks of a worker that died, and completes what it left half done. */
  release(worker: number): void;
  /**
   * Lets the commit thread finish, and closes the files. Resolves to false if the storage has failed, or if
   * that takes longer than `seconds`. Answered plays are durable before.
   */
  close(seconds: number): Promise<boolean>;
}

/**
 * Opens the counts that the settings select. `workers` is the number of worker threads, 0 if the main thread
 * serves. `entry` is the URL of the program's module.
 *
 * @throws {RangeError} if there is not enough memory, or the counts were created with other settings.
 * @throws {DataError} if the data directory cannot be read.
 */
export async function openCounts(settings: Settings, workers: number, entry: string): Promise<Counts> {
  if (settings.store !== "") return await openInRedis(settings);
  return settings.data === "" ? openInMemory(settings, workers) : await openOnDisk(settings, workers, entry);
}

/** Returns the store of a worker. */
export async function attachStore(attachment: Attachment, settings: Settings): Promise<CountStore> {
  if ("layout" in attachment) {
    const { attachRedis } = await import("../store/redis/open.ts");
    return await attachRedis(attachment.layout, settings);
  }
  return "port" in attachment
    ? attachDurable(attachment, settings)
    : ShardedStore.attach(attachment.handle, attachment.thread);
}

function openInMemory(settings: Settings, workers: number): Counts {
  const store = new ShardedStore({ ...settings, threads: workers });
  return {
    place: "counts in memory only; --data DIR keeps them",
    fate: "the counts were in memory only, and are gone",
    store,
    attach: (thread) => ({ thread, handle: store.handle }),
    release: (worker) => store.release(worker),
    close: () => Promise.resolve(true),
  };
}

/**
 * The commit thread creates the store. The main thread attaches to it with the number after the last
 * worker's.
 */
async function openOnDisk(settings: Settings, workers: number, entry: string): Promise<Counts> {
  const mainThread = workers + 1;
  const options = { ...settings, threads: mainThread };
  const commitThread = await CommitThread.start(entry, { folder: settings.data, options });
  const store = attachDurable(commitThread.connect(mainThread), settings);
  const memory = ShardedStore.attach(commitThread.handle, mainThread);
  return {
    place: `counts in the directory ${resolve(settings.data)}`,
    fate: `all counts are in the directory ${resolve(settings.data)}`,
    store,
    attach: (worker) => commitThread.connect(worker),
    release: (worker) => memory.release(worker),
    close: (seconds) => store.close(seconds),
  };
}

/** Each thread has its own connections. The client is loaded on demand: it exists on Bun only. */
async function openInRedis(settings: Settings): Promise<Counts> {
  const { openRedis } = await import("../store/redis/open.ts");
  const { store, layout } = await openRedis(settings, (line) => console.error(`playcount: ${line}`));
  return {
    place: "counts in Redis",
    fate: "all counts are in Redis",
    store,
    attach: () => ({ layout }),
    release: () => {},
    close: () => Promise.resolve(true), // every answered play is in Redis already
  };
}
