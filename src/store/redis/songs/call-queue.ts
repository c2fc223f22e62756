import type { Addition } from "../../count-store.ts";
import type { AdmissionLimit } from "../limits.ts";

/** Largest number of calls of one script, which takes a few tenths of a millisecond. */
const MOST = 256;
/** Least number of calls after which the queue waits for more of them. */
const MANY = 8;
/** Turns of the event loop to wait: less time than Redis takes for the calls that come then. */
const TURNS = 3;

export interface PendingCall {
  readonly id: string;
  readonly plays: number;
  readonly resolve: (addition: Addition) => void;
  readonly reject: (error: unknown) => void;
}

type Run = (calls: readonly PendingCall[]) => Promise<void>;

/**
 * Collects calls while a script is under way, and passes them to the next one together. So a single call
 * waits for no timer, and many calls share the cost of a script.
 */
export class CallQueue {
  readonly #limit: AdmissionLimit;
  /** The waiting calls of each queue with a script under way. */
  readonly #waiting = new Map<string, PendingCall[]>();

  constructor(limit: AdmissionLimit) {
    this.#limit = limit;
  }

  /**
   * Adds a call to the queue `name`. Its calls go to the `run` of the first one, which settles them. If that
   * fails, the calls that are left are rejected.
   *
   * @throws {Refusal} `unavailable` if too many requests wait.
   */
  call(name: string, { id, plays }: { id: string; plays: number }, run: Run): Promise<Addition> {
    this.#limit.enter(1);
    const { promise, resolve, reject } = Promise.withResolvers<Addition>();
    const call = { id, plays, resolve, reject };
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) void this.#runAll(name, [call], run);
    else waiting.push(call);
    return promise;
  }

  async #runAll(name: string, waiting: PendingCall[], run: Run): Promise<void> {
    this.#waiting.set(name, waiting);
    while (waiting.length > 0) {
      const calls = waiting.splice(0, MOST);
      await run(calls).catch((error) => {
        for (const call of calls) call.reject(error);
      });
      this.#limit.leave(calls.length);
      if (calls.length < MANY) continue;
      for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
    }
    this.#waiting.delete(name);
  }
}
