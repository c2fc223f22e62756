import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { appendSongs, measureSongs } from "../memory/appended-songs.ts";
import { Shards } from "../memory/shards.ts";
import type { StoreHandle } from "../memory/store-handle.ts";
import type { PackedBatch } from "../packed-batch.ts";
import { errorMessage } from "../../error-message.ts";
import { Refusal } from "../refusal.ts";
import { addSum, addTo, type Digest } from "./disk/digest.ts";
import type { SongAppender } from "./disk/loading.ts";
import type { Signals } from "./threads/signals.ts";

// At a start two threads share the work. The commit thread reads songs, in parts. The thread that started it,
// which has little else to do until then, appends them to the store: it has about as much to do.

/** Parts under way: the next one has come when one is appended. */
const MAX_UNDER_WAY = 2;

/** A message of the commit thread to the thread that started it. */
export type AppendCommand =
  /** The store. Sent once: an engine would count its memory for each handle that is received. */
  { store: StoreHandle } | Work;

/** Songs to append, or to measure: all songs of a set are measured before they are appended, or none. */
interface Work {
  do: "append" | "measure";
  songs: PackedBatch;
}

/** The reply to songs: the sum over them, or an error, which is `isFull` if they do not fit into memory. */
type AppendReply = { sum: Digest } | { error: string; isFull: boolean };

/** Sends songs to the thread that started the commit thread. */
export class RemoteAppender implements SongAppender {
  readonly #port: MessagePort;
  readonly #signals: Signals;
  #underWay = 0;
  #sum: Digest = { plays: 0, digest: 0 };

  constructor(port: MessagePort, signals: Signals) {
    this.#port = port;
    this.#signals = signals;
  }

  begin(store: StoreHandle): void {
    this.#port.postMessage({ store } satisfies AppendCommand);
  }

  append(songs: PackedBatch): void {
    this.#send({ do: "append", songs });
  }

  measure(songs: PackedBatch): void {
    this.#send({ do: "measure", songs });
  }

  abandon(): void {
    for (; this.#underWay > 0; this.#underWay--) this.#nextReply();
    this.#sum = { plays: 0, digest: 0 };
  }

  finish(): Digest {
    while (this.#underWay > 0) this.#receive();
    const sum = this.#sum;
    this.#sum = { plays: 0, digest: 0 };
    return sum;
  }

  #send(work: Work): void {
    if (this.#underWay === MAX_UNDER_WAY) this.#receive();
    const { words, idPositions, plays } = work.songs;
    this.#port.postMessage(work satisfies AppendCommand, [words.buffer, idPositions.buffer, plays.buffer]);
    this.#underWay++;
  }

  #receive(): void {
    const reply = this.#nextReply();
    this.#underWay--;
    if ("sum" in reply) return addSum(this.#sum, reply.sum);
    throw reply.isFull ? Refusal.noMemory() : new Error(reply.error);
  }

  #nextReply(): AppendReply {
    for (;;) {
      const { wakeUps } = this.#signals;
      const received = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message as AppendReply;
      this.#signals.sleep(wakeUps, Infinity);
    }
  }
}

/** Appends the songs that a {@linkcode RemoteAppender} sends. */
export class LocalAppender {
  readonly #port: MessagePort;
  readonly #signals: Signals;
  #shards: Shards | undefined;
  /** Units of the measured songs that are not appended yet, by shard. */
  #measured: Int32Array | undefined;

  constructor(port: MessagePort, signals: Signals) {
    this.#port = port;
    this.#signals = signals;
  }

  receive(command: AppendCommand): void {
    if ("store" in command) {
      this.#shards = new Shards(command.store, 2); // the owner number of thread 1, which does not run yet
      return;
    }
    this.#port.postMessage(this.#work(command));
    this.#signals.wake();
  }

  #work({ do: task, songs }: Work): AppendReply {
    const shards = this.#shards as Shards;
    const sum = { plays: 0, digest: 0 };
    try {
      if (task === "measure") {
        measureSongs(songs, (this.#measured ??= new Int32Array(shards.shardCount)));
        return { sum };
      }
      appendSongs(shards, songs, this.#measured);
      addTo(sum, songs);
      return { sum };
    } catch (error) {
      return { error: errorMessage(error), isFull: error instanceof Refusal };
    }
  }
}
