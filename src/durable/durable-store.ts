import type { MessagePort } from "node:worker_threads";
import { type Awaitable, inTime } from "../awaitable.ts";
import {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  isTooLong,
  type StoreFigures,
} from "../store/count-store.ts";
import { Refusal, UnknownOutcome } from "../store/refusal.ts";
import type { RequestKey } from "../store/request-key.ts";
import type { ShardedStore } from "../store/sharded-store.ts";
import type { AdditionRing } from "./addition-ring.ts";
import { Channel } from "./channel.ts";
import { RingQueue } from "./ring-queue.ts";
import type { Added, Addend, Answer, Ask, Refused } from "./messages.ts";
import type { Ailment, Signals } from "./signals.ts";

/** Additions that go in one message, and who waits for them. */
interface Gathered {
  addends: Addend[];
  waiting: PromiseWithResolvers<BatchAddition>[];
}

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
  #gathered: Gathered[] = [];
  /** Additions that go or went by message. */
  #waiting = 0;

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
    this.#maxWaiting = maxWaiting;
  }

  get version(): string {
    return this.#memory.version;
  }

  get ailment(): string | undefined {
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
    for (;;) {
      const { version } = this.#memory;
      if (unless?.(version)) return false;
      if (await this.#control({ do: "clear", version })) return true;
    }
  }

  /** Writes all that was asked for, and ends the other thread. Tells whether that took less than `seconds`. */
  close(seconds: number): Promise<boolean> {
    return inTime(this.#channel.ask({ do: "stop" }), seconds);
  }

  async #addAll(addend: Addend): Promise<BatchAddition> {
    for (const [id] of addend.plays) this.#checkLength(id);
    this.#checkReady();
    const gathered = this.#gatherFor(addend.key?.writer);
    const waiting = Promise.withResolvers<BatchAddition>();
    gathered.addends.push(addend);
    gathered.waiting.push(waiting);
    this.#waiting++;
    this.#send();
    return await waiting.promise;
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
    if (this.#ring.length + this.#waiting >= this.#maxWaiting)
      throw Refusal.unavailable("Too many requests wait for the disk");
  }

  /** Where the next addition goes. A writer's next request waits for the one before it. */
  #gatherFor(writer: string | undefined): Gathered {
    const last = this.#gathered.at(-1);
    if (
      last !== undefined &&
      !(writer !== undefined && last.addends.some(({ key }) => key?.writer === writer))
    )
      return last;
    const gathered: Gathered = { addends: [], waiting: [] };
    this.#gathered.push(gathered);
    return gathered;
  }

  /** An answer has come, or there will be none any more. */
  #heard(): void {
    if (this.#channel.isLost) this.#ring.lose();
    this.#send();
  }

  /** While one message is under way the next one gathers. */
  #send(): void {
    if (this.#channel.underWay > 0) return;
    const gathered = this.#gathered.shift();
    if (gathered === undefined) return;
    const { addends } = gathered;
    void this.#channel.ask({ do: "add", addends }).then((answer) => this.#settle(gathered, answer));
  }

  #settle({ waiting }: Gathered, answer: Answer): void {
    this.#waiting -= waiting.length;
    for (const [at, { resolve, reject }] of waiting.entries()) {
      const added = answer.did === "add" ? (answer.added[at] as Added) : answer;
      if ("counts" in added) resolve({ counts: Float64Array.from(added.counts), fold: added.fold });
      else reject(errorOf(added));
    }
  }

  async #control(ask: Ask): Promise<boolean> {
    const answer = await this.#channel.ask(ask);
    if (answer.did === "control") return answer.value;
    throw errorOf(answer);
  }
}

function errorOf(answer: Answer | Refused): Error {
  if ("reason" in answer) return new Refusal(answer.reason, answer.message);
  if (answer.did !== "fail" || answer.isUnknown) return new UnknownOutcome();
  return Refusal.unavailable(messageOf(answer.ailment) ?? FAILED);
}

const FAILED = "The storage has failed";

function messageOf(ailment: Ailment): string | undefined {
  return ailment === "full" ? "The disk is full" : ailment === "failed" ? FAILED : undefined;
}
