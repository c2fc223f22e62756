import type { Heads } from "../shards/heads.ts";
import text from "./add.lua" with { type: "text" };
import { randomChange, Script, type ScriptInput } from "./script.ts";

/** Adds plays to songs of some shards. */
export const ADD: Script = new Script(text, { writes: true });
/** The same script, for requests that only count. */
export const COUNT: Script = new Script(text, { writes: false });

/** A song and its plays. */
export interface Song {
  readonly id: string;
  readonly shard: number;
  readonly plays: number;
}

export interface AddRequest {
  /**
   * `add` adds all or nothing, `each` what can be added. `one` adds one song, and keeps the answer for a
   * retry with the same claim. `check` and `count` change nothing.
   */
  mode: "each" | "add" | "one" | "check" | "count";
  songs: readonly Song[];
  /** Numbers of songs that stand together, in parts of one shard. Default: each by itself. */
  sizes?: readonly number[] | undefined;
  /** The fold after which plays count. Default: the newest acknowledged one. */
  after?: number | undefined;
  /** The writer of a request with a key, and its stamp. */
  claim?: { writer: string; stamp: string } | undefined;
}

/** A reason why a song, or all songs of a part, were not added. */
export interface AddProblem {
  /** `head`: that of the shard differs. `broken`: the shard cannot be read. The others are for the client. */
  kind: "head" | "broken" | "overflow" | "full" | "dropped" | "forgotten";
  /** Place of the part, or of the song if it is `overflow` or `full`. */
  at: number;
  /** The current head, the error of a broken shard, the count, or the dropped fold. */
  detail: string;
  /** Plays of the acknowledged fold, of an overflow. */
  kept: number;
}

export interface AddReply {
  /** True if nothing was added in a mode for all or nothing. */
  isRefused: boolean;
  /** True if a shard has added a part of the same request before. */
  isBegun: boolean;
  /** The new counts; `null` for a song with a problem. None of a refusal or a check. */
  counts: (number | null)[];
  /** The newest fold before, for each part. */
  folds: number[];
  problems: AddProblem[];
}

/**
 * Makes the request of the script; `shards` are those of its parts. If all heads, all sizes or all plays are
 * the same, there is one.
 */
export function encodeAdd(
  heads: Heads,
  shards: readonly number[],
  { mode, songs, sizes, after, claim }: AddRequest,
): ScriptInput {
  const { layout } = heads;
  const known = shards.map((shard) => heads.of(shard));
  const adders = (shard: number) => (claim === undefined ? [] : layout.partKeyOf(shard, "adders"));
  const plays = songs.map((song) => song.plays);
  const request = {
    after,
    ...claim,
    change: randomChange(),
    cap: layout.shardSongs, // most songs of a shard
    writers: layout.shardWriters, // most writers that a shard remembers
    sizes: sizes ?? 1,
    heads: (known.every(({ text }) => text === known[0]?.text) ? known.slice(0, 1) : known).map(
      ({ text, newest, kept, dropped, sets }) => {
        return { text, newest: String(newest), dropped, counted: sets.map((fold) => fold > (after ?? kept)) };
      },
    ),
    plays: plays.every((more) => more === plays[0]) ? plays[0] : plays,
    ids: songs.map(({ id }) => id),
  };
  return { keys: known.flatMap(({ shard, keys }) => keys.concat(adders(shard))), verb: mode, request };
}

/** Returns the first song of each part. */
export function firstsOf<S extends Song>(songs: readonly S[], sizes?: readonly number[]): readonly S[] {
  if (sizes === undefined) return songs;
  let next = 0;
  return sizes.map((size) => {
    const first = songs[next] as S;
    next += size;
    return first;
  });
}

export function decodeAdd([kind, begun, counts = "", folds = "", ...problems]: string[]): AddReply {
  return {
    isRefused: kind === "refused",
    isBegun: begun !== "",
    counts: JSON.parse(`[${counts}]`) as (number | null)[],
    folds: JSON.parse(`[${folds}]`) as number[],
    problems: problems.map((problem) => {
      const [kind, at, detail = "", kept] = problem.split(" ") as [AddProblem["kind"], ...string[]];
      return { kind, at: Number(at), detail, kept: Number(kept) };
    }),
  };
}
