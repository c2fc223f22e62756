/** How many requests may be under way to one server that must not be counted twice. */
const MOST_WRITERS = 16;

/**
 * The names under which a client writes to one server. A writer has one request under way at a time, so there are as
 * many as requests are under way, up to 16; others wait for their turn.
 */
export class KeyPool {
  readonly #client: string;
  readonly #idle: { name: string; seq: number }[] = [];
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  /** `client` is its name, which no other client has. */
  constructor(client: string) {
    this.#client = client;
  }

  /** Has `send` send a request, again and again if it likes, with an `Idempotency-Key` of its own. */
  async write<T>(send: (key: string) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    while (this.#idle.length === 0 && this.#count === MOST_WRITERS) await this.#turn(signal);
    const writer = this.#idle.pop() ?? { name: `${this.#client}-${this.#count++}`, seq: 0 };
    try {
      return await send(`"${writer.name}:${++writer.seq}"`);
    } finally {
      this.#idle.push(writer);
      this.#waiting.shift()?.();
    }
  }

  /** Resolves when a writer is idle; rejects with the reason of `signal` as soon as that is aborted. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const goOn = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(goOn), 1);
        reject(signal?.reason);
      };
      this.#waiting.push(goOn);
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }
}
