import type { MessagePort } from "node:worker_threads";
import type { Awaitable } from "../../async/awaitable.ts";
import type { HashKey } from "../../hash.ts";
import { resolvesWithin } from "../../async/timing.ts";
import { runAtOnce, runInTurns } from "../../async/turns.ts";
import { checkFold, checkPlays } from "../arguments.ts";
import {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  isTooLong,
  type SealedFold,
  type SongPlays,
  type StoreFigures,
} from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import { fingerprintOfSong, type KeyedRequest, type RequestKey } from "../request-key.ts";
import type { PackedBatch } from "../packed-batch.ts";
import { pack } from "../packed-plays.ts";
import type { ShardedStore } from "../memory/sharded-store.ts";
import type { AdditionRing } from "./threads/addition-ring.ts";
import { Channel } from "./threads/channel.ts";
import type { WriteCommand, WriteReply } from "./threads/messages.ts";
import { describeStorageFailure, errorOfFailure, errorOfReply } from "./threads/reply-errors.ts";
import { RingQueue } from "./threads/ring-queue.ts";
import type { Signals } from "./threads/signals.ts";

/**
 * Counts that survive a crash. The commit thread makes each change durable before the caller gets its result,
 * and before any thread sees it; see README.md. Reads come from memory, and wait for nothing.
 */
export class DurableStore implements CountStore {
  readonly maxIdBytes: number;
  readonly hashKey: HashKey;
  readonly #memory: ShardedStore;
  readonly #ring: RingQueue;
  readonly #signals: Signals;
  readonly #channel: Channel;
  readonly #maxWaiting: number;
  /** Load of the commands under way: 1 for each, and 1 for each 100 of its songs. */
  #load = 0;

  /**
   * `memory` is the store of the commit thread that `port`, `ring` and `signals` lead to. Refuses additions
   * while `maxWaiting` wait for the disk.
   */
  constructor(
    memory: ShardedStore,
    port: MessagePort,
    ring: AdditionRing,
    signals: Signals,
    maxWaiting: number,
  ) {
    this.maxIdBytes = memory.maxIdBytes;
    this.#memory = memory;
    this.#ring = new RingQueue(ring, signals);
    this.#signals = signals;
    this.#channel = new Channel(port, signals, () => this.#ring.abandon());
    this.hashKey = memory.hashKey;
    this.#maxWaiting = maxWaiting;
  }

  get version(): string {
    return this.#memory.version;
  }

  get unavailableBecause(): string | undefined {
    return describeStorageFailure(this.#channel.isLost ? "failed" : this.#signals.storageFailure);
  }

  get(id: string, after?: number): number {
    return this.#memory.get(id, after);
  }

  getAll(ids: readonly string[], after?: number): number[] {
    return this.#memory.getAll(ids, after);
  }

  entries(after?: number): Iterable<Chunk> {
    return this.#memory.entries(after);
  }

  top(n: number, after?: number): Awaitable<Entry[]> {
    return this.#memory.top(n, after);
  }

  get newestFold(): number {
    return this.#memory.newestFold;
  }

  folds(): SealedFold[] {
    return this.#memory.folds();
  }

  fold(fold: number): Iterable<Chunk> {
    return this.#memory.fold(fold);
  }

  figures(): StoreFigures {
    return this.#memory.figures();
  }

  add(id: string, plays: number, key?: RequestKey): Awaitable<Addition> {
    checkPlays(plays);
    if (plays === 0 && key === undefined) return this.#memory.add(id, 0);
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
    const keyed = key && { key, fingerprint: fingerprintOfSong(id, plays) };
    this.#checkReady();
    // A keyed request must not overtake a batch of the same writer.
    const added = keyed && this.#load > 0 ? undefined : this.#ring.add(id, plays, keyed);
    return added ?? this.#addByMessage(id, plays, keyed);
  }

  /** Packs a large batch in steps, then sends it at once. */
  async addAll(plays: SongPlays, key?: RequestKey): Promise<BatchAddition> {
    this.#checkReady();
    const batch = await runInTurns(pack(plays, this));
    const keyed = key && { key, fingerprint: await runInTurns(batch.fingerprint("batch")) };
    return await this.#addBatch(batch.copy(), keyed);
  }

  async seal(fold: number, label: string = ""): Promise<boolean> {
    checkFold(fold, label);
    return await this.#control({ do: "seal", fold, label });
  }

  async acknowledge(fold: number, label?: string): Promise<void> {
    await this.#control({ do: "acknowledge", fold, label });
  }

  async clear(unless?: (version: string) => boolean): Promise<boolean> {
    if (unless === undefined) return await this.#control({ do: "clear", isConditional: false });
    let isKept = false;
    const errors: unknown[] = [];
    const decide = (version: string) => {
      try {
        isKept = unless(version);
      } catch (error) {
        isKept = true;
        errors.push(error);
      }
      return !isKept;
    };
    for (;;) {
      const isCleared = await this.#control({ do: "clear", isConditional: true }, decide);
      if (errors.length > 0) throw errors[0];
      if (isCleared || isKept) return isCleared; // otherwise the answer came too late
    }
  }

  /**
   * Completes all requests, and ends the commit thread. Resolves to false after `timeoutSeconds`, or if
   * the storage has failed.
   */
  async close(timeoutSeconds: number): Promise<boolean> {
    const reply = this.#channel.send({ do: "stop" });
    if (!(await resolvesWithin(reply, timeoutSeconds))) return false;
    const stopped = await reply;
    return stopped.did === "control" && stopped.value;
  }

  async #addByMessage(id: string, plays: number, keyed: KeyedRequest | undefined): Promise<Addition> {
    const batch = runAtOnce(pack(new Map([[id, plays]]), this));
    const { counts, fold } = await this.#addBatch(batch.copy(), keyed);
    return { count: counts[0] as number, fold };
  }

  async #addBatch(batch: PackedBatch, keyed: KeyedRequest | undefined): Promise<BatchAddition> {
    const load = 1 + Math.floor(batch.size / 100);
    const transfer = [batch.words.buffer, batch.idPositions.buffer, batch.plays.buffer];
    const reply = await this.#send({ do: "add", batch, keyed }, load, transfer);
    if (reply.did === "add") return reply.addition;
    throw errorOfReply(reply);
  }

  async #control(command: WriteCommand, decide?: (version: string) => boolean): Promise<boolean> {
    const reply = await this.#send(command, 1, [], decide);
    if (reply.did === "control") return reply.value;
    throw errorOfReply(reply);
  }

  async #send(
    command: WriteCommand,
    load: number,
    transfer: ArrayBuffer[],
    decide?: (version: string) => boolean,
  ): Promise<WriteReply> {
    this.#checkReady();
    this.#load += load;
    const reply = await this.#channel.send(command, transfer, decide);
    this.#load -= load;
    return reply;
  }

  #checkReady(): void {
    if (this.#channel.isLost) throw errorOfFailure("failed");
    if (this.#ring.length + this.#load >= this.#maxWaiting)
      throw Refusal.unavailable("Too many requests wait for the disk");
  }
}
