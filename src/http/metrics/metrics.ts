import { STATUSES } from "../response/problem-types.ts";

/** Bytes that each worker's numbers take, with much room to spare. */
const ROW_BYTES = 32 * 1024;
const ROW = ROW_BYTES / Float64Array.BYTES_PER_ELEMENT;

/** Whatever a client calls it otherwise: or else each name would be a series of its own. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];

/** Upper bounds of how late a turn of the event loop may be to be counted in a bucket, in seconds. */
export const DELAY_BOUNDS: readonly number[] = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.2,
  0.5,
  1,
  Infinity,
];

// Where things are in a row.
const IS_SERVING = 0;
const DEATHS = 1;
const DELAY_SUM = 2;
const DELAY_BUCKETS = 3;
const REQUESTS = DELAY_BUCKETS + DELAY_BOUNDS.length;

/** How many requests of a route and a method were answered with a status. */
export interface RequestCount {
  route: string;
  method: string;
  status: number;
  requests: number;
}

/**
 * Figures of the process, in numbers that all of its threads share. Each thread has a row that it alone writes; a
 * reader adds the rows up. Counting is one write, and nothing grows with what clients send.
 *
 * @example
 * ```ts
 * import { createHandler, Metrics, ShardedStore } from "playcount";
 *
 * const handle = createHandler(new ShardedStore(), { metrics: new Metrics(Metrics.share(2), 1) });
 * const answer = await handle(new Request("http://localhost/health"));
 * answer.status; // 200
 * ```
 */
export class Metrics {
  /** What other threads make theirs of. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #row: number;

  /** `worker` is the number of this thread, from 0 on; `buffer` has room for so many rows. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer = new ArrayBuffer(ROW_BYTES), worker = 0) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer);
    this.#row = worker * ROW;
    if (this.#row >= this.#numbers.length) throw new RangeError(`There is no row for worker ${worker}`);
  }

  /** Numbers for a main thread, which is worker 0, and `workers` others. */
  static share(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer((workers + 1) * ROW_BYTES);
  }

  /** Where requests with a method on a route are counted; `route` is its place in the table, -1 for none. */
  cellOf(route: number, method: string): number {
    const known = METHODS.indexOf(method);
    const place = (route + 1) * METHODS.length + (known === -1 ? METHODS.length - 1 : known);
    const cell = REQUESTS + place * STATUSES.length;
    if (cell + STATUSES.length > ROW) throw new RangeError("There are more routes than there is room for");
    return cell;
  }

  /** Counts a request by its answer, which it gives back. `cell` is that of its route and method. */
  countResponse(cell: number, response: Response): Response {
    const place = STATUSES.indexOf(response.status);
    if (place !== -1) this.#add(cell + place, 1);
    return response;
  }

  /** Notes that a turn of the event loop was late by so many seconds. */
  observeDelay(seconds: number): void {
    this.#add(DELAY_SUM, seconds);
    this.#add(DELAY_BUCKETS + DELAY_BOUNDS.findIndex((bound) => seconds <= bound), 1);
  }

  /** Notes whether this thread answers requests. */
  set isServing(isServing: boolean) {
    this.#numbers[this.#row + IS_SERVING] = Number(isServing);
  }

  /** Notes that another thread has ended. */
  recordDeath(worker: number): void {
    this.#numbers[worker * ROW + IS_SERVING] = 0;
    this.#add(DEATHS, 1);
  }

  /** How many threads answer requests. */
  get workers(): number {
    return this.#sum(IS_SERVING);
  }

  /** How many threads have ended and were replaced, or will be. */
  get deaths(): number {
    return this.#sum(DEATHS);
  }

  /** How often turns were late, by at most each of {@linkcode DELAY_BOUNDS}, and by how many seconds in all. */
  get delayHistogram(): { counts: number[]; sum: number } {
    let count = 0;
    const counts = DELAY_BOUNDS.map((_, at) => (count += this.#sum(DELAY_BUCKETS + at)));
    return { counts, sum: this.#sum(DELAY_SUM) };
  }

  /** Those of which there were any, `routes` being the table; the route is empty where there is none. */
  requests(routes: readonly string[]): RequestCount[] {
    const found: RequestCount[] = [];
    for (const [at, route] of ["", ...routes].entries()) {
      for (const method of METHODS) {
        for (const [place, status] of STATUSES.entries()) {
          const requests = this.#sum(this.cellOf(at - 1, method) + place);
          if (requests > 0) found.push({ route, method, status, requests });
        }
      }
    }
    return found;
  }

  #add(place: number, more: number): void {
    const at = this.#row + place;
    this.#numbers[at] = (this.#numbers[at] as number) + more;
  }

  #sum(place: number): number {
    let sum = 0;
    for (let at = place; at < this.#numbers.length; at += ROW) sum += this.#numbers[at] as number;
    return sum;
  }
}
