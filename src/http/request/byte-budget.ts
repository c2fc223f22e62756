import { Problem } from "../response/problem.ts";

/** Reserves memory for bytes before they are taken; throws to refuse them. */
export type Reserve = (bytes: number) => void;

/** Limits the bytes of the batches that are under way at a time. */
export class ByteBudget {
  readonly #maxPendingBytes: number;
  #bytes = 0;

  constructor(maxPendingBytes: number) {
    this.#maxPendingBytes = maxPendingBytes;
  }

  /**
   * Calls `act` with a function that reserves bytes, and releases them when `act` has ended. A reservation
   * that would exceed the limit throws `Unavailable`, unless no other batch has reserved any.
   */
  async run<T>(act: (reserve: Reserve) => Promise<T>): Promise<T> {
    const maxPendingBytes = this.#maxPendingBytes;
    let own = 0;
    try {
      return await act((bytes) => {
        if (this.#bytes > own && this.#bytes + bytes > maxPendingBytes) {
          const detail = `Too many batches are under way, which may have ${maxPendingBytes} bytes together: send this one again later`;
          throw Problem.of("Unavailable", detail, { maxPendingBytes });
        }
        this.#bytes += bytes;
        own += bytes;
      });
    } finally {
      this.#bytes -= own;
    }
  }
}
