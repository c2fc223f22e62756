import { Problem } from "../response/problem.ts";

/** Limits the bytes of the batches that are under way at a time. */
export class ByteBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Calls `act` with a function that reserves bytes, and releases them when `act` has ended. Of several that
   * exceed the limit together the first to need more is refused, so the others can go on. A single one may
   * exceed the limit.
   */
  async lend<T>(act: (reserve: (bytes: number) => void) => Promise<T>): Promise<T> {
    let own = 0;
    try {
      return await act((bytes) => {
        if (this.#bytes > own && this.#bytes + bytes > this.#maxBytes)
          throw Problem.of("Unavailable", "Too many batches are under way: send this one again later");
        this.#bytes += bytes;
        own += bytes;
      });
    } finally {
      this.#bytes -= own;
    }
  }
}
