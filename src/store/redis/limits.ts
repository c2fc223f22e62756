import { Refusal } from "../refusal.ts";

/** How many songs of a batch weigh as much as one request that waits. */
const SONGS_A_REQUEST = 100;

/** How many requests wait for Redis: no more than there may be. */
export class AdmissionLimit {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws {Refusal} `unavailable` if too many wait. One that comes alone may be of any weight. */
  enter(weight: number): void {
    if (this.#count > 0 && this.#count + weight > this.#most)
      throw Refusal.unavailable("Too many requests wait for the store of the counts");
    this.#count += weight;
  }

  leave(weight: number): void {
    this.#count -= weight;
  }

  /** Has one of so many songs wait until it is done. */
  async hold<T>(songs: number, act: () => Promise<T>): Promise<T> {
    const weight = Math.ceil(songs / SONGS_A_REQUEST);
    this.enter(weight);
    try {
      return await act();
    } finally {
      this.leave(weight);
    }
  }
}
