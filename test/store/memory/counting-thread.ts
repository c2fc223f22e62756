import { Refusal } from "../../../src/store/refusal.ts";
import { BATCH, idOf, sendKeyed } from "../played-ids.ts";
import { ShardedStore, type StoreHandle } from "../../../src/store/memory/sharded-store.ts";

/** What one of the threads under test has to do. */
export interface Task {
  handle: StoreHandle;
  thread: number;
  seed: number;
  additions: number;
  /** Every other addition is to one of so many songs, all others to one of `songs`. */
  hot: number;
  /** 10^9: each addition is to a song of its own. */
  songs: number;
  /** Whether it is to hold every lock, for ever. */
  isStuckInClear?: boolean;
  /** Whether it adds batches instead, each one play to all of the songs `batch-0` to `batch-49`. */
  addsBatches?: boolean;
  /** The writer whose requests it sends instead, with keys: see `sendKeyed`. */
  sendsKeys?: string;
  /** Where it says how many additions it has made. */
  progress: Int32Array;
}

declare const self: Worker;

self.addEventListener("message", ({ data: task }: MessageEvent<Task>) => {
  const { progress, additions, seed } = task;
  const store = ShardedStore.attach(task.handle, task.thread);
  if (task.isStuckInClear === true) store.clear(() => stick(progress));
  for (let n = 0; n < additions; n++) {
    try {
      if (task.addsBatches === true) store.addAll(BATCH);
      else if (task.sendsKeys !== undefined) sendKeyed(store, task.sendsKeys, n);
      else store.add(idOf(task, seed, n), 1);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    Atomics.store(progress, 0, n + 1);
  }
  postMessage("done");
});

postMessage("ready");

function stick(progress: Int32Array): never {
  Atomics.store(progress, 0, 1);
  for (;;) Atomics.load(progress, 0);
}
