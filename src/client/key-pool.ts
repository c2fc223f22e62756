import { Semaphore } from "../async/concurrency.ts";
import { abortable } from "../async/timing.ts";

/** Maximum number of keyed requests in progress to one server. */
const MAX_WRITERS = 16;

/**
 * The idempotency keys of a client's requests to one server.
 *
 * A key is a writer's name and a sequence number. A server remembers the last request of each writer only, so
 * a writer has one request in progress at a time. The pool creates writers on demand, up to 16; further
 * requests wait for one.
 */
export class KeyPool {
  /** 128 random bits. Browsers have `crypto.randomUUID` on secure pages only. */
  readonly #name: string = crypto.getRandomValues(new Uint32Array(4)).join("-");
  readonly #limit = new Semaphore(MAX_WRITERS);
  readonly #idle: { name: string; seq: number }[] = [];
  #writers = 0;

  /**
   * Calls `send` with an `Idempotency-Key` that no other request has, and returns its result. `send` may
   * retry.
   *
   * Rejects with the reason of `signal` if that is aborted before a writer is idle.
   */
  async withKey<T>(send: (key: string) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const sent = this.#limit.run(1, async () => {
      signal?.throwIfAborted();
      const writer = this.#idle.pop() ?? { name: `${this.#name}-${this.#writers++}`, seq: 0 };
      try {
        return await send(`"${writer.name}:${++writer.seq}"`);
      } finally {
        this.#idle.push(writer);
      }
    });
    return await abortable(sent, signal);
  }
}
