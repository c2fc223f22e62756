import { setImmediate } from "node:timers";
import type { Awaitable } from "../../../async.ts";
import type { Addition } from "../../count-store.ts";
import { UnknownOutcome } from "../../refusal.ts";
import type { AdditionRing } from "./addition-ring.ts";
import type { Signals } from "./signals.ts";

/** An addition in the ring, and the caller that waits for it. */
interface PendingAdd {
  id: string;
  plays: number;
  resolve: (addition: Awaitable<Addition>) => void;
  reject: (reason: Error) => void;
}

/** The serving thread's side of an {@linkcode AdditionRing}: a promise for each slot in use. */
export class RingQueue {
  readonly #ring: AdditionRing;
  readonly #signals: Signals;
  readonly #retry: (id: string, plays: number) => Promise<Addition>;
  /** The oldest first. */
  readonly #pending: PendingAdd[] = [];
  #isWaking = false;
  #isWatching = false;

  /** `retry` sends a refused addition by another way, whose reply has the reason. */
  constructor(ring: AdditionRing, signals: Signals, retry: (id: string, plays: number) => Promise<Addition>) {
    this.#ring = ring;
    this.#signals = signals;
    this.#retry = retry;
  }

  /** Additions that wait. */
  get length(): number {
    return this.#pending.length;
  }

  /** Sends an addition; `undefined` if the ring has no place for it. */
  add(id: string, plays: number): Promise<Addition> | undefined {
    this.#readResults(); // callers can continue while this thread is still busy with requests
    if (!this.#ring.push(id, plays)) return undefined;
    if (!this.#isWaking) this.#wakeSoon();
    if (!this.#isWatching) void this.#watch();
    return new Promise((resolve, reject) => this.#pending.push({ id, plays, resolve, reject }));
  }

  /** Rejects the additions that have no result: the commit thread has ended. */
  abandon(): void {
    this.#readResults();
    for (const { reject } of this.#pending.splice(0)) reject(new UnknownOutcome());
  }

  /**
   * Wakes the commit thread after all requests of this turn are in the ring, so that they share one commit.
   */
  #wakeSoon(): void {
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      this.#signals.wake();
    });
  }

  /** Reads results until the ring is empty. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    do {
      await this.#ring.whenResult();
      this.#readResults();
    } while (this.#pending.length > 0);
    this.#isWatching = false;
  }

  #readResults(): void {
    while (this.#ring.hasResult) {
      const { outcome, addition } = this.#ring.readResult();
      const pending = this.#pending.shift();
      if (pending === undefined) return; // abandoned
      const { id, plays, resolve, reject } = pending;
      if (outcome === "durable") resolve(addition);
      else if (outcome === "unknown") reject(new UnknownOutcome());
      else resolve(this.#retry(id, plays));
    }
  }
}
