import { KeyedMap } from "../../../keyed-map.ts";
import type { Addition } from "../../count-store.ts";
import { Refusal } from "../../refusal.ts";
import type { AdmissionLimit } from "../limits.ts";
import { failedChange, failedReading, mapFailure, unreachable } from "../outcomes.ts";
import { divide, type PlacedSong, type Redis } from "../redis.ts";
import type { AddProblem, AddRequest } from "../scripts/add.ts";
import type { Layout } from "../shards/layout.ts";
import { CallQueue, type PendingCall } from "./call-queue.ts";

/** Attempts to reach shards whose heads change, as they do with each fold. */
const MOST_TRIES = 100;

/** The calls for one song, which share its plays. */
interface PendingSong extends PlacedSong {
  readonly calls: PendingCall[];
}

type Request = Omit<AddRequest, "parts">;

export interface SingleSongsOptions {
  redis: Redis;
  limit: AdmissionLimit;
  /** Largest number of songs of a shard, and of all. */
  maxShardSongs: number;
  maxSongs: number;
  log: (line: string) => void;
}

/** Adds plays to single songs, and counts them. Concurrent calls share a script. */
export class SingleSongs {
  readonly #options: SingleSongsOptions;
  readonly #queue: CallQueue;

  constructor(options: SingleSongsOptions) {
    this.#options = options;
    this.#queue = new CallQueue(options.limit);
  }

  /** Adds `plays`, 1 or more. */
  add(id: string, plays: number): Promise<Addition> {
    return this.#call({ id, plays }, { mode: "each", maxSongs: this.#options.maxShardSongs });
  }

  /** Returns the count of a song, without the folds up to `after`, and the newest fold. */
  get(id: string, after?: number): Promise<Addition> {
    return this.#call({ id, plays: 0 }, { mode: "count", maxSongs: 0, after });
  }

  #call(song: { id: string; plays: number }, request: Request): Promise<Addition> {
    const { redis } = this.#options;
    const group = redis.groupOf(redis.layout.shardOf(song.id));
    const name = `${group} ${request.mode} ${request.after}`;
    return this.#queue.call(name, song, (calls) => this.#run(calls, request));
  }

  async #run(calls: readonly PendingCall[], request: Request): Promise<void> {
    let songs = gather(calls, this.#options.redis.layout);
    for (let tries = 0; songs.length > 0 && tries < MOST_TRIES; tries++)
      songs = await this.#attempt(songs, request);
    for (const song of songs) for (const call of song.calls) call.reject(unreachable());
  }

  /** Adds the songs that can be added. Returns the songs to try again. */
  async #attempt(songs: PendingSong[], request: Request): Promise<PendingSong[]> {
    const { redis } = this.#options;
    const adding = redis.add({ ...request, parts: divide(songs) });
    const reply = await mapFailure(adding, request.mode === "each" ? failedChange : failedReading);
    for (const song of songs) if (!Number.isNaN(song.count)) this.#resolve(song);
    if (reply.problems.length === 0) return [];
    const refused = new Set<PendingSong>();
    for (const problem of reply.problems)
      for (const song of await this.#refuse(problem, request)) refused.add(song);
    return songs.filter((song) => Number.isNaN(song.count) && !refused.has(song));
  }

  /** Tells each call the count after its own plays, the last call the count of the song. */
  #resolve({ calls, count, fold }: PendingSong): void {
    let last = count;
    for (const call of calls.toReversed()) {
      call.resolve({ count: last, fold });
      last -= call.plays;
    }
  }

  /** Settles the songs of a problem that cannot be tried again, and returns them. */
  async #refuse(problem: AddProblem<PendingSong>, request: Request): Promise<PendingSong[]> {
    const { redis, maxSongs, log } = this.#options;
    if (problem.kind === "head" || problem.kind === "forgotten") return [];
    if (problem.kind === "broken" || problem.kind === "dropped") {
      const { shard, songs } = problem.part;
      const isBroken = problem.kind === "broken";
      if (isBroken) log(`${redis.layout.keyOf(shard)} cannot be used: ${problem.error}`);
      const refusal = isBroken ? unreachable() : Refusal.dropped(problem.fold);
      for (const { calls } of songs) for (const call of calls) call.reject(refusal);
      return songs;
    }
    const { song } = problem;
    const [first] = song.calls as [PendingCall];
    if (problem.kind === "full") for (const call of song.calls) call.reject(Refusal.full(maxSongs));
    else if (song.calls.length === 1)
      first.reject(Refusal.overflow(problem.count, first.plays, problem.kept));
    // Together the calls are too many, and some of them may be added.
    else for (const call of song.calls) await this.#run([call], request);
    return [song];
  }
}

/** Sums the plays of each song. A sum past the largest count overflows, and is added call by call. */
function gather(calls: readonly PendingCall[], layout: Layout): PendingSong[] {
  const songs = new KeyedMap<PendingSong>();
  for (const call of calls) {
    const { id, plays } = call;
    songs.update(id, (song) => {
      if (song === undefined)
        return { id, plays, count: 0, fold: 0, shard: layout.shardOf(id), calls: [call] };
      song.plays += plays;
      song.calls.push(call);
      return song;
    });
  }
  return [...songs.values()];
}
