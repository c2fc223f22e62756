import { STATUSES } from "../response/problem-types.ts";

/** Bytes of a row, the numbers of one worker; most of them are spare. */
const ROW_BYTES = 32 * 1024;
const ROW = ROW_BYTES / Float64Array.BYTES_PER_ELEMENT;

/** Any other method counts as `other`: clients must not be able to make new time series. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"];

/** Upper bounds of the histogram of event loop delays, in seconds. */
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

// A row: [is serving | deaths | plays | start | streams | sum of delays | delay buckets | requests]
// The requests are those of each route, method and status.
const IS_SERVING = 0;
const DEATHS = 1;
const PLAYS = 2;
/** In the first row alone: when the first thread made its metrics. */
const STARTED_AT = 3;
const STREAMS = 4;
const DELAY_SUM = 5;
const DELAY_BUCKETS = 6;
const REQUESTS = DELAY_BUCKETS + DELAY_BOUNDS.length;

/** Number of requests of a route and a method that were answered with a status. */
export interface RequestCount {
  /** Path of the route, as in `/song/{id}`; empty for a request without a route. */
  route: string;
  /** Method, or `other`. */
  method: string;
  /** Status code of the answers. */
  status: number;
  /** Number of the requests. */
  requests: number;
}

/**
 * Figures of the process, in numbers that all of its threads share. Each thread has a row that it alone
 * writes; a reader adds the rows up. Counting is one write, and nothing grows with what clients send.
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
  /** Shared memory: pass it to the constructor in another thread. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #row: number;

  /** `worker` is the number of this thread, from 0; `buffer` has one row for each worker. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer = new ArrayBuffer(ROW_BYTES), worker = 0) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer);
    this.#row = worker * ROW;
    if (this.#row >= this.#numbers.length) throw new RangeError(`The buffer has no row for worker ${worker}`);
    this.#numbers[STARTED_AT] ||= Date.now();
  }

  /** Makes a buffer for the main thread, which is worker 0, and `workers` more threads. */
  static share(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer((workers + 1) * ROW_BYTES);
  }

  /** Counts an answer. `route` is its index in the route table; -1 for no route. */
  countResponse(route: number, method: string, status: number): void {
    const place = STATUSES.indexOf(status);
    if (place !== -1) this.#add(cellOf(route, method) + place, 1);
  }

  /** When the process started to serve, in milliseconds since 1970. */
  get startedAt(): number {
    return this.#numbers[STARTED_AT] as number;
  }

  /** Counts plays that are answered. */
  countPlays(plays: number): void {
    this.#add(PLAYS, plays);
  }

  /** Plays that were answered. */
  get plays(): number {
    return this.#sum(PLAYS);
  }

  /** Counts a stream that opens, or with -1 one that ends. */
  countStream(change: 1 | -1): void {
    this.#add(STREAMS, change);
  }

  /** Number of open streams. */
  get streams(): number {
    return this.#sum(STREAMS);
  }

  /** Counts a turn of the event loop that was late by `seconds`. */
  observeDelay(seconds: number): void {
    this.#add(DELAY_SUM, seconds);
    this.#add(DELAY_BUCKETS + DELAY_BOUNDS.findIndex((bound) => seconds <= bound), 1);
  }

  /** Sets whether this thread answers requests. */
  set isServing(isServing: boolean) {
    this.#numbers[this.#row + IS_SERVING] = Number(isServing);
  }

  /** Counts a thread that ended unexpectedly. */
  recordDeath(worker: number): void {
    for (const place of [IS_SERVING, STREAMS]) this.#numbers[worker * ROW + place] = 0;
    this.#add(DEATHS, 1);
  }

  /** Number of threads that answer requests. */
  get workers(): number {
    return this.#sum(IS_SERVING);
  }

  /** Number of threads that ended unexpectedly. */
  get deaths(): number {
    return this.#sum(DEATHS);
  }

  /**
   * Cumulative counts of late turns for each of {@linkcode DELAY_BOUNDS}, and the sum of all delays in
   * seconds.
   */
  get delayHistogram(): { counts: number[]; sum: number } {
    let count = 0;
    const counts = DELAY_BOUNDS.map((_, at) => (count += this.#sum(DELAY_BUCKETS + at)));
    return { counts, sum: this.#sum(DELAY_SUM) };
  }

  /** Returns all counts above 0. `routes` is the route table; the route of a request without one is empty. */
  requests(routes: readonly string[]): RequestCount[] {
    const found: RequestCount[] = [];
    for (const [at, route] of ["", ...routes].entries()) {
      for (const method of METHODS) {
        for (const [place, status] of STATUSES.entries()) {
          const requests = this.#sum(cellOf(at - 1, method) + place);
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

/** Returns the place of a route and a method in a row: that of the first of {@linkcode STATUSES}. */
function cellOf(route: number, method: string): number {
  const known = METHODS.indexOf(method);
  const place = (route + 1) * METHODS.length + (known === -1 ? METHODS.length - 1 : known);
  const cell = REQUESTS + place * STATUSES.length;
  if (cell + STATUSES.length > ROW) throw new RangeError("The routes do not fit into a row");
  return cell;
}
