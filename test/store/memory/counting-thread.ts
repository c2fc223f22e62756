import { Refusal } from "../../../src/store/refusal.ts";
import { BATCH, idOf, sendKeyed } from "../played-ids.ts";
import { ShardedStore, type StoreHandle } from "../../../src/store/memory/sharded-store.ts";

/** The task of a thread under test. */
export interface Task {
  handle: StoreHandle;
  thread: number;
  seed: number;
  additions: number;
  /** Every other addition is to one of `hot` songs, the others to one of `songs`. */
  hot: number;
  /** 10^9: each addition is to a song of its own. */
  songs: number;
  /** True if the thread takes every lock and never releases them. */
  isStuckInClear?: boolean;
  /** True if it adds batches instead, each of one play for the songs `batch-0` to `batch-49`. */
  addsBatches?: boolean;
  /** The writer whose requests it sends instead, with keys: see `sendKeyed`. */
  sendsKeys?: string;
  /** The additions that it has made so far. */
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
