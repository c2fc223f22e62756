/** How the storage is. */
export type Ailment = "full" | "failed" | undefined;

/** By their numbers in memory. */
const AILMENTS: readonly Ailment[] = [undefined, "full", "failed"];

const RUNG = 0;
const MESSAGES = 1;
const AILMENT = 2;
const WORDS = 3;

/** What the threads of a durable store tell each other in shared memory. */
export class Signals {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** How often the bell was rung, modulo 2^32. */
  get rung(): number {
    return Atomics.load(this.#words, RUNG);
  }

  /** How many messages were sent to the thread that writes, modulo 2^32. */
  get messages(): number {
    return Atomics.load(this.#words, MESSAGES);
  }

  /** What all threads know of the storage; only the one that writes sets it. */
  get ailment(): Ailment {
    return AILMENTS[Atomics.load(this.#words, AILMENT)];
  }

  set ailment(ailment: Ailment) {
    Atomics.store(this.#words, AILMENT, AILMENTS.indexOf(ailment));
  }

  /** Wakes the thread that writes. */
  ring(): void {
    Atomics.add(this.#words, RUNG, 1);
    Atomics.notify(this.#words, RUNG);
  }

  /** Has it look for messages: a thread that sleeps here hears of none. */
  ringForMessage(): void {
    Atomics.add(this.#words, MESSAGES, 1);
    this.ring();
  }

  /** Sleeps until the bell was rung more often than `rung`, or for so many milliseconds. */
  sleep(rung: number, milliseconds: number): void {
    Atomics.wait(this.#words, RUNG, rung, milliseconds);
  }
}
