import { setImmediate } from "node:timers";
import type { Awaitable } from "../../../async.ts";
import type { Addition } from "../../count-store.ts";
import { UnknownOutcome } from "../../refusal.ts";
import type { AdditionRing } from "./addition-ring.ts";
import type { Signals } from "./signals.ts";

/** An addition in the ring, and who waits for it. */
interface PendingAdd {
  id: string;
  plays: number;
  resolve: (addition: Awaitable<Addition>) => void;
  reject: (reason: Error) => void;
}

/** Who waits for what is in a ring, on the side of the thread that serves. */
export class RingQueue {
  readonly #ring: AdditionRing;
  readonly #signals: Signals;
  readonly #askAgain: (id: string, plays: number) => Promise<Addition>;
  /** The oldest first. */
  readonly #asked: PendingAdd[] = [];
  #isRinging = false;
  #isWatching = false;

  /** `askAgain` asks in another way for what was refused, and is told why if it is refused again. */
  constructor(
    ring: AdditionRing,
    signals: Signals,
    askAgain: (id: string, plays: number) => Promise<Addition>,
  ) {
    this.#ring = ring;
    this.#signals = signals;
    this.#askAgain = askAgain;
  }

  /** How many wait. */
  get length(): number {
    return this.#asked.length;
  }

  /** Asks for an addition; `undefined` if there is no place for it in the ring. */
  ask(id: string, plays: number): Promise<Addition> | undefined {
    this.#readDone(); // others may go on while this thread is still busy with requests
    if (!this.#ring.ask(id, plays)) return undefined;
    if (!this.#isRinging) this.#ringSoon();
    if (!this.#isWatching) void this.#watch();
    return new Promise((resolve, reject) => this.#asked.push({ id, plays, resolve, reject }));
  }

  /** There will be no more answers. */
  lose(): void {
    this.#readDone();
    for (const { reject } of this.#asked.splice(0)) reject(new UnknownOutcome());
  }

  /** Wakes the other thread when the requests that have come together are all in the ring: so they have one commit. */
  #ringSoon(): void {
    this.#isRinging = true;
    setImmediate(() => {
      this.#isRinging = false;
      this.#signals.ring();
    });
  }

  /** Reads the ring for as long as something is in it. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    do {
      await this.#ring.whenDone();
      this.#readDone();
    } while (this.#asked.length > 0);
    this.#isWatching = false;
  }

  #readDone(): void {
    while (this.#ring.hasDone) {
      const { outcome, addition } = this.#ring.readDone();
      const asked = this.#asked.shift();
      if (asked === undefined) return; // it was given up
      const { id, plays, resolve, reject } = asked;
      if (outcome === "durable") resolve(addition);
      else if (outcome === "unknown") reject(new UnknownOutcome());
      else resolve(this.#askAgain(id, plays));
    }
  }
}
