import { join } from "node:path";
import type { ShardedStore } from "../../../src/mod.ts";
import type { Task } from "./counting-thread.ts";

const ENTRY = join(import.meta.dir, "counting-thread.ts");
const threads: Worker[] = [];

/** Ends all threads that were started here. */
export function endThreads(): void {
  for (const thread of threads.splice(0)) thread.terminate();
}

/** A thread that counts in a store. */
export interface Counting {
  worker: Worker;
  /** Returns the additions that it has made so far. */
  counted: () => number;
  /** Resolves when it has made all of them. */
  ended: Promise<void>;
  /** Resolves when it has ended. */
  closed: Promise<void>;
}

/** Starts a thread that attaches itself to `store`. `onReady` calls its argument to send the task. */
export function start(
  store: ShardedStore,
  task: Omit<Task, "handle" | "progress">,
  onReady: (send: () => void) => void = (send) => send(),
): Counting {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(ENTRY);
  threads.push(worker);
  const [ended, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  worker.addEventListener("message", ({ data }) => {
    const send = () => worker.postMessage({ ...task, handle: store.handle, progress } satisfies Task);
    if (data === "ready") onReady(send);
    else ended.resolve();
  });
  worker.addEventListener("error", (event) => ended.reject(new Error(event.message)));
  worker.addEventListener("close", () => closed.resolve());
  return { worker, counted: () => Atomics.load(progress, 0), ended: ended.promise, closed: closed.promise };
}
