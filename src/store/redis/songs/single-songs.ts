import { KeyedMap } from "../../../keyed-map.ts";
import type { Addition } from "../../count-store.ts";
import type { AdmissionLimit } from "../limits.ts";
import { failedChange, failedReading, mapFailure, unreachable } from "../outcomes.ts";
import { divide, MOST_TRIES, type Redis } from "../redis.ts";
import type { AddProblem, AddRequest, Song } from "../scripts/add.ts";
import type { Layout } from "../shards/layout.ts";

/** Largest number of calls of one script, which takes a few tenths of a millisecond. */
const MOST_CALLS = 256;
/** Least number of calls after which a queue waits for more of them. */
const MANY_CALLS = 8;
/** Turns of the event loop to wait: less time than Redis takes for the calls that come then. */
const TURNS = 3;

interface PendingCall {
  readonly id: string;
  readonly plays: number;
  readonly resolve: (addition: Addition) => void;
  readonly reject: (error: unknown) => void;
}

/** The calls for one song, which share its plays. */
interface PendingSong extends Song {
  readonly calls: PendingCall[];
}

type Request = Omit<AddRequest, "parts">;

/**
 * Adds plays to single songs, and counts them.
 *
 * Calls that come while a script is under way are passed to the next one together. So a single call waits for
 * no timer, and many calls share the cost of a script.
 */
export class SingleSongs {
  readonly #redis: Redis;
  readonly #limit: AdmissionLimit;
  readonly #log: (line: string) => void;
  /** The waiting calls of each queue with a script under way. */
  readonly #waiting = new Map<string, PendingCall[]>();

  constructor(redis: Redis, limit: AdmissionLimit, log: (line: string) => void) {
    this.#redis = redis;
    this.#limit = limit;
    this.#log = log;
  }

  /** Adds `plays`, 1 or more. */
  add(id: string, plays: number): Promise<Addition> {
    return this.#call(id, plays, { mode: "each" });
  }

  /** Returns the count of a song, without the folds up to `after`, and the newest fold. */
  get(id: string, after?: number): Promise<Addition> {
    return this.#call(id, 0, { mode: "count", after });
  }

  /** Returns what `get` returns for several songs, with one command for all songs of a group. */
  async getAll(ids: readonly string[], after?: number): Promise<Addition[]> {
    const request: Request = { mode: "count", after };
    this.#limit.enter(ids.length);
    const calls = ids.map((id) => ({ id, plays: 0, ...Promise.withResolvers<Addition>() }));
    const queues = Map.groupBy(calls, ({ id }) => this.#queueOf(id, request));
    for (const [queue, some] of queues) this.#enqueue(queue, some, request);
    return await Promise.all(calls.map(({ promise }) => promise));
  }

  /** @throws {Refusal} `unavailable` if too many requests wait. */
  #call(id: string, plays: number, request: Request): Promise<Addition> {
    this.#limit.enter(1);
    const { promise, resolve, reject } = Promise.withResolvers<Addition>();
    this.#enqueue(this.#queueOf(id, request), [{ id, plays, resolve, reject }], request);
    return promise;
  }

  #queueOf(id: string, { mode, after }: Request): string {
    return `${this.#redis.groupOf(this.#redis.layout.shardOf(id))} ${mode} ${after}`;
  }

  #enqueue(queue: string, calls: PendingCall[], request: Request): void {
    const waiting = this.#waiting.get(queue);
    if (waiting === undefined) void this.#runAll(queue, calls, request);
    else waiting.push(...calls);
  }

  async #runAll(queue: string, waiting: PendingCall[], request: Request): Promise<void> {
    this.#waiting.set(queue, waiting);
    while (waiting.length > 0) {
      const calls = waiting.splice(0, MOST_CALLS);
      await this.#run(calls, request).catch((error) => {
        for (const call of calls) call.reject(error);
      });
      this.#limit.leave(calls.length);
      if (calls.length < MANY_CALLS) continue;
      for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
    }
    this.#waiting.delete(queue);
  }

  async #run(calls: readonly PendingCall[], request: Request): Promise<void> {
    let songs = gather(calls, this.#redis.layout);
    for (let tries = 0; songs.length > 0 && tries < MOST_TRIES; tries++)
      songs = await this.#attempt(songs, request);
    for (const song of songs) for (const call of song.calls) call.reject(unreachable());
  }

  /** Adds the songs that can be added. Returns the songs to try again. */
  async #attempt(songs: PendingSong[], request: Request): Promise<PendingSong[]> {
    const parts = divide(songs);
    const adding = this.#redis.add({ ...request, parts });
    const { problems } = await mapFailure(adding, request.mode === "each" ? failedChange : failedReading);
    for (const { songs, fold } of parts)
      for (const song of songs) if (!Number.isNaN(song.count)) this.#resolve(song, fold);
    for (const problem of problems) await this.#refuse(problem, request);
    const refused = new Set(problems.flatMap((problem) => problem.songs));
    return songs.filter((song) => Number.isNaN(song.count) && !refused.has(song));
  }

  /** Tells each call the count after its own plays, the last call the count of the song. */
  #resolve({ calls, count }: PendingSong, fold: number): void {
    let last = count;
    for (const call of calls.toReversed()) {
      call.resolve({ count: last, fold });
      last -= call.plays;
    }
  }

  /** Settles the songs of a problem. */
  async #refuse({ kind, songs, detail, error }: AddProblem<PendingSong>, request: Request): Promise<void> {
    const key = this.#redis.layout.keyOf((songs[0] as PendingSong).shard);
    if (kind === "broken") this.#log(`${key} cannot be used: ${detail}`);
    for (const { calls } of songs) {
      // Together the calls are too many, and some of them may be added.
      if (kind === "overflow" && calls.length > 1) for (const call of calls) await this.#run([call], request);
      else for (const call of calls) call.reject(error ?? unreachable());
    }
  }
}

/** Sums the plays of each song. A sum past the largest count overflows, and is added call by call. */
function gather(calls: readonly PendingCall[], layout: Layout): PendingSong[] {
  const songs = new KeyedMap<PendingSong>();
  for (const call of calls) {
    const { id, plays } = call;
    songs.update(id, (song) => {
      if (song === undefined) return { id, plays, count: 0, shard: layout.shardOf(id), calls: [call] };
      song.plays += plays;
      song.calls.push(call);
      return song;
    });
  }
  return [...songs.values()];
}
