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
import { RingQueue } from "./threads/ring-queue.ts";
import { errorOf, FAILED, messageOf } from "./threads/answers.ts";
import { MessageQueue } from "./threads/message-queue.ts";
import type { Addend, WriteCommand } from "./threads/messages.ts";
import type { Signals } from "./threads/signals.ts";

/**
 * Counts that outlive the process: what changes them is made durable by another thread before it is answered, and then
 * seen by all. What only reads does not wait.
 */
export class DurableStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #memory: ShardedStore;
  readonly #ring: RingQueue;
  readonly #signals: Signals;
  readonly #channel: Channel;
  readonly #maxWaiting: number;
  readonly #messages: MessageQueue;
  /** Seals, acknowledgements and clears. */
  #controls = 0;

  /**
   * `memory` is attached to the store of the thread that `port`, `ring` and `signals` lead to. At most `maxWaiting`
   * additions wait for the disk.
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
    this.#channel = new Channel(port, signals, () => this.#heard());
    this.#messages = new MessageQueue(this.#channel);
    this.#maxWaiting = maxWaiting;
  }

  get version(): string {
    return this.#memory.version;
  }

  get unavailableBecause(): string | undefined {
    return this.#channel.isLost ? FAILED : messageOf(this.#signals.ailment);
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
    return this.#ring.ask(id, plays) ?? this.#addByMessage(id, plays);
  }

  addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): Promise<BatchAddition> {
    return this.#addAll({ kind: "batch", plays: [...plays], key });
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

  /** Writes all that was asked for, and ends the other thread. Tells whether that took less than `seconds`. */
  close(seconds: number): Promise<boolean> {
    return settlesWithin(this.#channel.ask({ do: "stop" }), seconds);
  }

  async #addAll(addend: Addend): Promise<BatchAddition> {
    for (const [id] of addend.plays) this.#checkLength(id);
    this.#checkReady();
    return await this.#messages.ask(addend);
  }

  async #addByMessage(id: string, plays: number, key?: RequestKey): Promise<Addition> {
    const { counts, fold } = await this.#addAll({ kind: "song", plays: [[id, plays]], key });
    return { count: counts[0] as number, fold };
  }

  #checkLength(id: string): void {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
  }

  #checkReady(): void {
    if (this.#channel.isLost) throw Refusal.unavailable(FAILED);
    if (this.#ring.length + this.#messages.weight + this.#controls >= this.#maxWaiting)
      throw Refusal.unavailable("Too many requests wait for the disk");
  }

  /** An answer has come, or there will be none any more. */
  #heard(): void {
    if (this.#channel.isLost) this.#ring.lose();
    this.#messages.send();
  }

  async #control(ask: WriteCommand): Promise<boolean> {
    this.#checkReady();
    this.#controls++;
    const answer = await this.#channel.ask(ask);
    this.#controls--;
    if (answer.did === "control") return answer.value;
    throw errorOf(answer);
  }
}
