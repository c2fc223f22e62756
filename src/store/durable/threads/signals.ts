/** Failure that prevents writes; `undefined` while the storage works. */
export type StorageFailure = "full" | "failed" | undefined;

/** A failure is stored as its index here. */
const STORAGE_FAILURES: readonly StorageFailure[] = [undefined, "full", "failed"];

const WAKE_UPS = 0;
const MESSAGES = 1;
const STORAGE_FAILURE = 2;
const ANSWER = 3;
const WORDS = 4;

/** Signals between the threads of a durable store, in shared memory. */
export class Signals {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Calls of {@linkcode wake} until now, modulo 2^32. */
  get wakeUps(): number {
    return Atomics.load(this.#words, WAKE_UPS);
  }

  /** Messages sent to the commit thread until now, modulo 2^32. */
  get messages(): number {
    return Atomics.load(this.#words, MESSAGES);
  }

  /** The state of the storage, set by the commit thread and read by all. */
  get storageFailure(): StorageFailure {
    return STORAGE_FAILURES[Atomics.load(this.#words, STORAGE_FAILURE)];
  }

  set storageFailure(failure: StorageFailure) {
    Atomics.store(this.#words, STORAGE_FAILURE, STORAGE_FAILURES.indexOf(failure));
  }

  /** Wakes the commit thread. */
  wake(): void {
    Atomics.add(this.#words, WAKE_UPS, 1);
    Atomics.notify(this.#words, WAKE_UPS);
  }

  /** Wakes the commit thread to receive a message: it has no event loop that would do so. */
  wakeForMessage(): void {
    Atomics.add(this.#words, MESSAGES, 1);
    this.wake();
  }

  /** Answers a question of the commit thread: a whole number from 1 to 2^30 − 1. */
  answer(question: number, answer: boolean): void {
    Atomics.store(this.#words, ANSWER, question * 2 + Number(answer));
    Atomics.notify(this.#words, ANSWER);
  }

  /** Waits for the answer to a question. Returns `undefined` after `timeoutMs`. */
  waitForAnswer(question: number, timeoutMs: number): boolean | undefined {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const answer = Atomics.load(this.#words, ANSWER);
      if (answer >> 1 === question) return (answer & 1) === 1;
      const remainingMs = end - performance.now();
      if (remainingMs <= 0) return undefined;
      Atomics.wait(this.#words, ANSWER, answer, remainingMs);
    }
  }

  /** Sleeps until {@linkcode wakeUps} differs from `wakeUps`, at most `timeoutMs`. */
  sleep(wakeUps: number, timeoutMs: number): void {
    Atomics.wait(this.#words, WAKE_UPS, wakeUps, timeoutMs);
  }
}
