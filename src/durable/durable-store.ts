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
import { Channel, LOST } from "./channel.ts";
import type { Added, Addend, Answer, Ask } from "./messages.ts";

/** Messages that are under way: while one is being written the next one gathers. */
const MOST_UNDER_WAY = 1;

/** Additions that go together, and who waits for them. */
interface Gathered {
  ids: string[];
  plays: number[];
  addends: Addend[];
  songs: PromiseWithResolvers<Addition>[];
  batches: PromiseWithResolvers<BatchAddition>[];
}

/**
 * Counts that outlive the process: what changes them is made durable by another thread before it is answered, and then
 * seen by all. What only reads does not wait.
 */
export class DurableStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #memory: ShardedStore;
  readonly #channel: Channel;
  readonly #maxWaiting: number;
  #gathered: Gathered[] = [];
  #waiting = 0;
  #ailment: string | undefined;

  /** `memory` is attached to the store of the thread that `port` leads to. At most `maxWaiting` additions wait for the disk. */
  constructor(memory: ShardedStore, port: MessagePort, maxWaiting: number) {
    this.maxIdBytes = memory.maxIdBytes;
    this.#memory = memory;
    this.#channel = new Channel(port, () => this.#send());
    this.#maxWaiting = maxWaiting;
  }

  get version(): string {
    return this.#memory.version;
  }

  get ailment(): string | undefined {
    return this.#channel.isLost ? LOST : this.#ailment;
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
    if (key !== undefined) {
      const added = this.#addAll({ kind: "song", plays: [[id, plays]], key });
      return added.then(({ counts, fold }) => ({ count: counts[0] as number, fold }));
    }
    if (plays === 0) return this.#memory.add(id, 0);
    this.#check([id]);
    const gathered = this.#gatherFor(undefined);
    const waiting = Promise.withResolvers<Addition>();
    gathered.ids.push(id);
    gathered.plays.push(plays);
    gathered.songs.push(waiting);
    this.#waiting++;
    this.#send();
    return waiting.promise;
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

  /** Writes all that was asked for, and ends the other thread; waits for that up to `seconds`. */
  async close(seconds: number): Promise<void> {
    await inTime(this.#channel.ask({ do: "stop" }), seconds);
  }

  async #addAll(addend: Addend): Promise<BatchAddition> {
    this.#check(addend.plays.map(([id]) => id));
    const gathered = this.#gatherFor(addend.key?.writer);
    const waiting = Promise.withResolvers<BatchAddition>();
    gathered.addends.push(addend);
    gathered.batches.push(waiting);
    this.#waiting++;
    this.#send();
    return await waiting.promise;
  }

  #check(ids: readonly string[]): void {
    if (ids.some((id) => isTooLong(id, this.maxIdBytes))) throw Refusal.tooLong(this.maxIdBytes);
    if (this.#channel.isLost) throw Refusal.unavailable(LOST);
    if (this.#waiting >= this.#maxWaiting) throw Refusal.unavailable("Too many requests wait for the disk");
  }

  /** Where the next addition goes. A writer's next request waits for the one before it. */
  #gatherFor(writer: string | undefined): Gathered {
    const last = this.#gathered.at(-1);
    if (
      last !== undefined &&
      !(writer !== undefined && last.addends.some(({ key }) => key?.writer === writer))
    )
      return last;
    const gathered: Gathered = { ids: [], plays: [], addends: [], songs: [], batches: [] };
    this.#gathered.push(gathered);
    return gathered;
  }

  #send(): void {
    while (this.#channel.underWay < MOST_UNDER_WAY) {
      const gathered = this.#gathered.shift();
      if (gathered === undefined) return;
      const { ids, plays, addends } = gathered;
      void this.#channel
        .ask({ do: "add", ids, plays, addends })
        .then((answer) => this.#settle(gathered, answer));
    }
  }

  async #control(ask: Ask): Promise<boolean> {
    const answer = await this.#channel.ask(ask);
    this.#note(answer);
    if (answer.did === "fail") throw errorOf(answer);
    if (answer.did === "refuse") throw new Refusal(answer.reason, answer.message);
    return answer.did === "control" && answer.value;
  }

  #settle({ songs, batches }: Gathered, answer: Answer): void {
    this.#waiting -= songs.length + batches.length;
    this.#note(answer);
    if (answer.did === "fail") {
      for (const { reject } of [...songs, ...batches]) reject(errorOf(answer));
    } else if (answer.did === "add") {
      const { counts, fold, refused, added } = answer;
      for (const { at, reason, message } of refused) songs[at]?.reject(new Refusal(reason, message));
      for (const [at, { resolve }] of songs.entries()) resolve({ count: counts[at] as number, fold });
      for (const [at, waiting] of batches.entries()) settleBatch(waiting, added[at] as Added);
    }
  }

  /** Notes how the storage is, by what came of the last thing that was asked of it. */
  #note(answer: Answer): void {
    this.#ailment = answer.did === "fail" ? answer.message : undefined;
  }
}

function settleBatch({ resolve, reject }: PromiseWithResolvers<BatchAddition>, added: Added): void {
  if ("reason" in added) reject(new Refusal(added.reason, added.message));
  else resolve({ counts: Float64Array.from(added.counts), fold: added.fold });
}

function errorOf({ isUnknown, message }: { isUnknown: boolean; message: string }): Error {
  return isUnknown ? new UnknownOutcome(message) : Refusal.unavailable(message);
}
