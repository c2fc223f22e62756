import type { MessagePort } from "node:worker_threads";
import { type Awaitable, settlesWithin } from "../../async.ts";
import {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  isTooLong,
  type StoreFigures,
} from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { RequestKey } from "../request-key.ts";
import type { ShardedStore } from "../memory/sharded-store.ts";
import type { AdditionRing } from "./threads/addition-ring.ts";
import { Channel } from "./threads/channel.ts";
import { MessageQueue } from "./threads/message-queue.ts";
import type { AddRequest, WriteCommand } from "./threads/messages.ts";
import { describeStorageFailure, errorOfReply, STORAGE_FAILED } from "./threads/reply-errors.ts";
import { RingQueue } from "./threads/ring-queue.ts";
import type { Signals } from "./threads/signals.ts";

/**
 * Counts that survive a crash. The commit thread makes each change durable before the caller gets its result,
 * and before any thread sees it; see README.md. Reads come from memory, and wait for nothing.
 */
export class DurableStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #memory: ShardedStore;
  readonly #ring: RingQueue;
  readonly #signals: Signals;
  readonly #channel: Channel;
  readonly #maxWaiting: number;
  readonly #messages: MessageQueue;
  /** Seals, acknowledgements and clears under way. */
  #controls = 0;

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
    this.#ring = new RingQueue(ring, signals, (id, plays) => this.#addByMessage(id, plays));
    this.#signals = signals;
    this.#channel = new Channel(port, signals, () => this.#onReply());
    this.#messages = new MessageQueue(this.#channel);
    this.#maxWaiting = maxWaiting;
  }

  get version(): string {
    return this.#memory.version;
  }

  get unavailableBecause(): string | undefined {
    return this.#channel.isLost ? STORAGE_FAILED : describeStorageFailure(this.#signals.storageFailure);
  }

  get(id: string, after?: number): number {
    return this.#memory.get(id, after);
  }

  entries(after?: number): Iterable<Chunk> {
    return this.#memory.entries(after);
  }

  top(n: number, after?: number): Awaitable<Entry[]> {
    return this.#memory.top(n, after);
  }

  folds(): number[] {
    return this.#memory.folds();
  }

  fold(fold: number): Iterable<Chunk> {
    return this.#memory.fold(fold);
  }

  figures(): StoreFigures {
    return this.#memory.figures();
  }

  add(id: string, plays: number, key?: RequestKey): Awaitable<Addition> {
    if (key !== undefined) return this.#addByMessage(id, plays, key);
    if (plays === 0) return this.#memory.add(id, 0);
    this.#checkLength(id);
    this.#checkReady();
    return this.#ring.add(id, plays) ?? this.#addByMessage(id, plays);
  }

  addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): Promise<BatchAddition> {
    return this.#send({ kind: "batch", plays: [...plays], key });
  }

  async seal(fold: number): Promise<boolean> {
    return await this.#control({ do: "seal", fold });
  }

  async acknowledge(fold: number): Promise<void> {
    await this.#control({ do: "acknowledge", fold });
  }

  async clear(unless?: (version: string) => boolean): Promise<boolean> {
    if (unless === undefined) return await this.#control({ do: "clear" });
    for (;;) {
      const { version } = this.#memory;
      if (unless(version)) return false;
      if (await this.#control({ do: "clear", version })) return true;
    }
  }

  /** Makes all requests durable, and ends the commit thread. Resolves to false after `timeoutSeconds`. */
  close(timeoutSeconds: number): Promise<boolean> {
    return settlesWithin(this.#channel.send({ do: "stop" }), timeoutSeconds);
  }

  async #send(request: AddRequest): Promise<BatchAddition> {
    for (const [id] of request.plays) this.#checkLength(id);
    this.#checkReady();
    return await this.#messages.add(request);
  }

  async #addByMessage(id: string, plays: number, key?: RequestKey): Promise<Addition> {
    const { counts, fold } = await this.#send({ kind: "song", plays: [[id, plays]], key });
    return { count: counts[0] as number, fold };
  }

  #checkLength(id: string): void {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
  }

  #checkReady(): void {
    if (this.#channel.isLost) throw Refusal.unavailable(STORAGE_FAILED);
    if (this.#ring.length + this.#messages.weight + this.#controls >= this.#maxWaiting)
      throw Refusal.unavailable("Too many requests wait for the disk");
  }

  #onReply(): void {
    if (this.#channel.isLost) this.#ring.abandon();
    this.#messages.send();
  }

  async #control(command: WriteCommand): Promise<boolean> {
    this.#checkReady();
    this.#controls++;
    const reply = await this.#channel.send(command);
    this.#controls--;
    if (reply.did === "control") return reply.value;
    throw errorOfReply(reply);
  }
}
