import { setImmediate } from "node:timers";
import type { Addition } from "../../count-store.ts";
import type { KeyedRequest } from "../../request-key.ts";
import { UnknownOutcome } from "../../refusal.ts";
import type { AdditionRing } from "./addition-ring.ts";
import type { Signals } from "./signals.ts";

/** The serving thread's side of an {@linkcode AdditionRing}: a promise for each slot in use. */
export class RingQueue {
  readonly #ring: AdditionRing;
  readonly #signals: Signals;
  /** The callers that wait, oldest first. */
  readonly #pending: PromiseWithResolvers<Addition>[] = [];
  #isWaking = false;
  #isWatching = false;

  constructor(ring: AdditionRing, signals: Signals) {
    this.#ring = ring;
    this.#signals = signals;
  }

  /** Additions that wait. */
  get length(): number {
    return this.#pending.length;
  }

  /** Sends an addition; `undefined` if the ring has no place for it. */
  add(id: string, plays: number, keyed?: KeyedRequest): Promise<Addition> | undefined {
    this.#readResults(); // callers can continue while this thread is still busy with requests
    if (!this.#ring.push(id, plays, keyed)) return undefined;
    if (!this.#isWaking) this.#wakeSoon();
    if (!this.#isWatching) void this.#watch();
    const pending = Promise.withResolvers<Addition>();
    this.#pending.push(pending);
    return pending.promise;
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
      const result = this.#ring.readResult();
      const pending = this.#pending.shift();
      if (pending === undefined) return; // abandoned
      if (result instanceof Error) pending.reject(result);
      else pending.resolve(result);
    }
  }
}
