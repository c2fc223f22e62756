import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { nextTurn } from "../async.ts";
import { readCount, readMapping } from "./answers.ts";
import type { ServerRequest, ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";

/** Most plays that go together: some hundred kilobytes, or a few megabytes if all ids are long. */
const MOST_PLAYS = 10_000;

/** Refusals of batches as such, which this client need not send again: it has not the token for them. */
const NO_BATCHES = [401, 403];

/** Refusals that one song may be to blame for, or the way that they are sent; and nothing was counted. */
const ONE_BY_ONE = [...NO_BATCHES, 400, 404, 405, 409, 413, 414, 507];

/** One play, and who waits for its count. */
interface Call {
  id: string;
  path: string;
  signal: AbortSignal | undefined;
  resolve: (count: number) => void;
  reject: (reason: unknown) => void;
}

/** Gathers the plays of one turn of the event loop that are for one server, and sends them together. */
export class Batcher {
  readonly #server: string;
  readonly #asker: ServerClient;
  #calls: Call[] = [];
  #takesBatches = true;

  constructor(server: string, asker: ServerClient) {
    this.#server = server;
    this.#asker = asker;
  }

  /** Adds one play to `id`, whose path is `path`, and gives its new count. */
  async play(id: string, path: string, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#calls.push({ id, path, signal, resolve, reject });
    if (this.#calls.length === 1) nextTurn().then(() => this.#send());
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  #send(): void {
    const calls = this.#calls.filter(({ signal }) => !signal?.aborted);
    this.#calls = [];
    for (let start = 0; start < calls.length; start += MOST_PLAYS) {
      const some = calls.slice(start, start + MOST_PLAYS);
      if (some.length > 1 && this.#takesBatches) this.#sendBatch(some);
      else this.#sendEach(some);
    }
  }

  #sendEach(calls: readonly Call[]): void {
    for (const { path, signal, resolve, reject } of calls) {
      this.#ask({ method: "POST", path, signal })
        .then((answer) => resolve(readCount({ server: this.#server, answer })))
        .catch(reject);
    }
  }

  async #sendBatch(calls: readonly Call[]): Promise<void> {
    const signals = calls.map(({ signal }) => signal);
    const { signal, dispose } = allOf(signals);
    try {
      const body = writeList(MAPPING_SYNTAX.text, [...countPlays(calls)]);
      const answer = await this.#ask({ method: "POST", path: "batch", body, signal });
      this.#resolveEach(calls, readMapping({ server: this.#server, answer }));
    } catch (error) {
      if (!isRefusal(error)) return calls.forEach(({ reject }) => reject(error));
      // Nothing was counted. Perhaps one song is to blame, and the others can be.
      if (NO_BATCHES.includes(error.status ?? 0)) this.#takesBatches = false;
      this.#sendEach(calls.filter((call) => !call.signal?.aborted));
    } finally {
      dispose();
    }
  }

  /** Of several plays of a song the first has the lowest count. */
  #resolveEach(calls: readonly Call[], totals: ReadonlyMap<string, number>): void {
    const plays = countPlays(calls);
    const left = new Map(plays);
    for (const { id, resolve, reject } of calls) {
      const total = totals.get(id) ?? 0;
      if (total < (plays.get(id) as number)) {
        reject(new CountServerError(this.#server, `${this.#server} did not answer all plays of a batch`));
        continue;
      }
      left.set(id, (left.get(id) as number) - 1);
      resolve(total - (left.get(id) as number));
    }
  }

  #ask(ask: ServerRequest): Promise<string> {
    return this.#asker.sendKeyed(this.#server, ask);
  }
}

function countPlays(calls: readonly Call[]): Map<string, number> {
  const plays = new Map<string, number>();
  for (const { id } of calls) plays.set(id, (plays.get(id) ?? 0) + 1);
  return plays;
}

/** Whether a server has said that it did nothing, and why. */
function isRefusal(error: unknown): error is CountServerError {
  return error instanceof CountServerError && !error.mayBeDone && ONE_BY_ONE.includes(error.status ?? 0);
}

/** A signal that is aborted when all of `signals` are, which cannot be if one is missing. */
function allOf(signals: readonly (AbortSignal | undefined)[]): {
  signal: AbortSignal | undefined;
  dispose: () => void;
} {
  const distinct = new Set(signals);
  if (distinct.has(undefined)) return { signal: undefined, dispose: () => {} };
  const controller = new AbortController();
  let left = distinct.size;
  const giveUp = (event: Event) => {
    if (--left === 0) controller.abort((event.target as AbortSignal).reason);
  };
  for (const signal of distinct) signal?.addEventListener("abort", giveUp, { once: true });
  const dispose = () => distinct.forEach((signal) => signal?.removeEventListener("abort", giveUp));
  return { signal: controller.signal, dispose };
}
