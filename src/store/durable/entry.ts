/**
 * Counts on a disk, durable across crashes, for a handler of your own. Needs Bun, Deno or Node.
 *
 * @example
 * ```ts
 * import { openDurable } from "playcount/durable";
 *
 * const store = await openDurable({ data: "plays" });
 * (await store.add("1", 3)).count; // 3
 * await store.close(5); // true
 * ```
 *
 * @module
 */

import process from "node:process";
import { isMainThread, workerData } from "node:worker_threads";
import { completeSettings, type GivenSettings } from "../../settings/settings.ts";
import type { CountStore } from "../count-store.ts";
import type { CommitThreadData } from "./commit-thread.ts";
import { attachDurable, CommitThread } from "./open.ts";

/** Options of {@linkcode openDurable}: the settings of the same names, with the same defaults. */
export interface DurableStoreOptions extends GivenSettings<
  "maxSongs" | "maxIdBytes" | "maxFolds" | "maxWriters" | "maxStoreBytes" | "maxWaiting"
> {
  /** Directory to keep counts in. It is made if it does not exist. */
  data: string;
}

/** Counts on a disk. */
export interface OpenDurableStore extends CountStore {
  /**
   * Completes all requests, and releases the directory. Resolves to false after `timeoutSeconds`, and if the
   * storage has failed. An answered play is durable in any case. A store keeps its process alive until it is
   * closed.
   */
  close(timeoutSeconds: number): Promise<boolean>;
}

/**
 * Opens counts in a directory, for a handler of this process. Needs Bun, Deno or Node.
 *
 * A thread of its own writes to the disk. It runs this module: a bundler has to leave `playcount/durable` out
 * of its bundle. Until the promise resolves, the caller's thread does half of the work of loading the counts,
 * in steps of about 4 ms on Bun.
 *
 * @throws {RangeError} for an option out of its range.
 * @throws {Error} if the directory cannot be used, or another process uses it.
 *
 * @example
 * ```ts
 * import { createHandler } from "playcount";
 * import { openDurable } from "playcount/durable";
 *
 * const store = await openDurable({ data: "counts" });
 * const handle = createHandler(store);
 * const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
 * await answer.text(); // "1"
 * await store.close(5); // true
 * ```
 */
export async function openDurable(options: DurableStoreOptions): Promise<OpenDurableStore> {
  const settings = completeSettings(options);
  if (settings.data === "") throw new RangeError("data must be the path of a directory, and is empty");
  const given = { folder: settings.data, options: { ...settings, threads: 1 }, keepsAlive: true };
  const commitThread = await CommitThread.start(import.meta.url, given);
  return attachDurable(commitThread.connect(1), settings);
}

const { commitThread } = (workerData ?? {}) as { commitThread?: CommitThreadData };
if (!isMainThread && commitThread !== undefined) {
  // Not awaited here: a CommonJS program can require only modules without a top-level await.
  void import("./commit-thread.ts").then(({ runCommitThread }) =>
    runCommitThread(commitThread, () => process.exit(0)),
  );
}
