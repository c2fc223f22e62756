import { Refusal } from "../refusal.ts";

/** Number of songs of a batch that weigh as much as one pending request. */
const SONGS_A_REQUEST = 100;

/** Limits the requests that wait for Redis, so that memory stays bounded while Redis is slow. */
export class AdmissionLimit {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Admits a request of any weight if no other waits. @throws {Refusal} `unavailable` past the limit. */
  enter(weight: number): void {
    if (this.#count > 0 && this.#count + weight > this.#most)
      throw Refusal.unavailable("Too many requests wait for the store of the counts");
    this.#count += weight;
  }

  leave(weight: number): void {
    this.#count -= weight;
  }

  /** Runs `act` as a request of the given number of songs. */
  async hold<T>(songs: number, act: () => Promise<T>): Promise<T> {
    const weight = Math.max(1, Math.ceil(songs / SONGS_A_REQUEST));
    this.enter(weight);
    try {
      return await act();
    } finally {
      this.leave(weight);
    }
  }
}
