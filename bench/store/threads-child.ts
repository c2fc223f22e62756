/**
 * `bun threads-child.ts THREADS STORES SONGS PASSES` has threads add plays to songs at random, all of them to one store
 * or each to one of its own, and prints how many a second as JSON.
 */
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { ShardedStore, type StoreHandle } from "../../src/store/memory/sharded-store.ts";
import { sharedNow } from "../clock.ts";
import { randomSongId, songId } from "../song-id.ts";

/** What each thread is given. */
interface Task {
  handle: StoreHandle;
  thread: number;
  songs: number;
  passes: number;
  threads: number;
  barrier: Int32Array;
}

/** When a thread was at work. */
interface Span {
  began: number;
  ended: number;
}

/** How often each thread adds all of its plays before it is looked at. */
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
  const working = Array.from({ length: threads }, (_, at) => {
    const { handle } = filled[at % stores] as ShardedStore;
    return runThread({ handle, thread: at + 1, songs, passes, threads, barrier });
  });
  const spans = await Promise.all(working);
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

/** @throws {Error} unless there are `songs` songs with `plays` plays in all. */
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
  throw new Error(`${plays} plays of ${songs} songs were added, and counted ${sum} of ${entries}`);
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

/** Returns when `threads` threads have called it. */
function meet(barrier: Int32Array, threads: number): void {
  Atomics.add(barrier, 0, 1);
  // Not asleep: who wakes later would start later.
  while (Atomics.load(barrier, 0) < threads);
}
