/**
 * `bun threads-child.ts THREADS STORES SONGS PASSES` adds plays to songs at random in THREADS threads, which
 * share STORES stores, and prints the additions a second as JSON.
 */
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { ShardedStore, type StoreHandle } from "../../src/store/memory/sharded-store.ts";
import { sharedNow } from "../harness/clock.ts";
import { randomSongId, songId } from "../harness/song-id.ts";

/** Work of a thread. */
interface Task {
  handle: StoreHandle;
  thread: number;
  songs: number;
  passes: number;
  threads: number;
  barrier: Int32Array;
}

/** Begin and end of a thread's work. */
interface Span {
  began: number;
  ended: number;
}

/** Passes that are discarded at first, while the JIT compilers are still at work. */
const WARM_UPS = 2;

if (isMainThread) {
  const [threads = 0, stores = 0, songs = 0, passes = 0] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await measure(threads, stores, songs, passes)));
  process.exit(0);
} else {
  work(workerData as Task);
}

async function measure(threads: number, stores: number, songs: number, passes: number): Promise<number> {
  const filled = Array.from({ length: stores }, () => fill(new ShardedStore({ threads }), songs));
  const barrier = new Int32Array(new SharedArrayBuffer(4));
  const running = Array.from({ length: threads }, (_, at) => {
    const { handle } = filled[at % stores] as ShardedStore;
    return runThread({ handle, thread: at + 1, songs, passes, threads, barrier });
  });
  const spans = await Promise.all(running);
  check(filled, songs * (stores + threads * (WARM_UPS + passes)), songs * stores);
  const began = Math.min(...spans.map((span) => span.began));
  const ended = Math.max(...spans.map((span) => span.ended));
  return (threads * passes * songs) / ((ended - began) / 1000);
}

function fill(store: ShardedStore, songs: number): ShardedStore {
  for (let song = 0; song < songs; song++) store.add(songId(song), 1);
  return store;
}

async function runThread(task: Task): Promise<Span> {
  const { promise, resolve, reject } = Promise.withResolvers<Span>();
  const thread = new Worker(new URL(import.meta.url), { workerData: task });
  thread.once("message", resolve).once("error", reject);
  return await promise;
}

/** @throws {Error} unless the stores have `songs` songs with `plays` plays in all. */
function check(stores: readonly ShardedStore[], plays: number, songs: number): void {
  let [sum, entries] = [0, 0];
  for (const store of stores) {
    for (const chunk of store.entries()) {
      for (const [, count] of chunk) {
        sum += count;
        entries++;
      }
    }
  }
  if (sum === plays && entries === songs) return;
  throw new Error(`added ${plays} plays of ${songs} songs, and counted ${sum} plays of ${entries} songs`);
}

function work({ handle, thread, songs, passes, threads, barrier }: Task): void {
  const store = ShardedStore.attach(handle, thread);
  const ids = Array.from({ length: songs }, () => randomSongId(songs));
  for (let turn = 0; turn < WARM_UPS; turn++) addAll(store, ids);
  meet(barrier, threads);
  const began = sharedNow();
  for (let pass = 0; pass < passes; pass++) addAll(store, ids);
  parentPort?.postMessage({ began, ended: sharedNow() } satisfies Span);
}

function addAll(store: ShardedStore, ids: readonly string[]): void {
  for (const id of ids) store.add(id, 1);
}

/** Returns when all `threads` threads have called it. */
function meet(barrier: Int32Array, threads: number): void {
  Atomics.add(barrier, 0, 1);
  // A spin: a sleeping thread would start later than the others.
  while (Atomics.load(barrier, 0) < threads);
}
