import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { Heads } from "../shards/heads.ts";
import text from "./add.lua" with { type: "text" };
import { randomChange, Script, type ScriptInput } from "./script.ts";

/** Adds plays to songs of some shards. */
export const ADD: Script = new Script(text, { writes: true });
/** The same script, for requests that only count. */
export const COUNT: Script = new Script(text, { writes: false });

/** A song and its plays. A reply sets `count`, the new count or NaN. */
export interface Song {
  readonly id: string;
  readonly shard: number;
  plays: number;
  count: number;
}

/** The songs of a shard. A reply sets `fold`, the newest fold before. */
export interface Part<S extends Song = Song> {
  readonly shard: number;
  readonly songs: S[];
  fold: number;
}

export interface AddRequest<S extends Song = Song> {
  /**
   * `add` adds all or nothing, `each` what can be added. `one` adds one song, and keeps the answer for a
   * retry with the same claim. `check` and `count` change nothing.
   */
  mode: "each" | "add" | "one" | "check" | "count";
  parts: readonly Part<S>[];
  /** The fold after which plays count. Default: the newest acknowledged one. */
  after?: number | undefined;
  /** The writer of a request with a key, and its stamp. */
  claim?: { writer: string; stamp: string } | undefined;
}

/** A reason why a song, or all songs of a part, were not added. */
export interface AddProblem<S extends Song = Song> {
  /** `head`: that of the shard differs. `broken`: the shard cannot be read. The others are for the client. */
  kind: "head" | "broken" | "overflow" | "full" | "dropped" | "forgotten";
  songs: readonly S[];
  /** The current head, or the error of a broken shard. */
  detail: string;
  /** The error for the client. */
  error: Error | undefined;
}

export interface AddReply<S extends Song = Song> {
  /** True if nothing was added in a mode for all or nothing. */
  isRefused: boolean;
  /** True if a shard has added a part of the same request before. */
  isBegun: boolean;
  problems: AddProblem<S>[];
}

/** Makes the request of the script. If all heads, or the plays of all songs, are the same, there is one. */
export function encodeAdd(heads: Heads, { mode, parts, after, claim }: AddRequest): ScriptInput {
  const { layout } = heads;
  const ids: string[] = [];
  const plays: number[] = [];
  for (const { songs } of parts)
    for (const song of songs) {
      ids.push(song.id);
      plays.push(song.plays);
    }
  const known = parts.map(({ shard }) => heads.of(shard));
  const some = known.every(({ text }) => text === known[0]?.text) ? known.slice(0, 1) : known;
  const keys = parts.flatMap(({ shard }) =>
    heads.of(shard).keys.concat(claim === undefined ? [] : layout.partKeyOf(shard, "adders")),
  );
  const request = {
    after,
    ...claim,
    change: randomChange(),
    cap: layout.shardSongs, // most songs of a shard
    writers: layout.shardWriters, // most writers that a shard remembers
    sizes: parts.map(({ songs }) => songs.length),
    heads: some.map(({ text, newest, kept, dropped, sets }) => {
      return { text, newest: String(newest), dropped, counted: sets.map((fold) => fold > (after ?? kept)) };
    }),
    plays: plays.every((more) => more === plays[0]) ? plays[0] : plays,
    ids,
  };
  return { keys, verb: mode, request };
}

/** `maxSongs`: the limit of all shards together, for a refusal. */
export function decodeAdd<S extends Song>(
  [kind, begun, countList = "", foldList = "", ...rest]: string[],
  parts: readonly Part<S>[],
  maxSongs: number,
): AddReply<S> {
  const counts = JSON.parse(`[${countList}]`) as (number | null)[];
  const folds = JSON.parse(`[${foldList}]`) as number[];
  let at = 0;
  for (const [index, part] of parts.entries()) {
    part.fold = folds[index] as number;
    for (const song of part.songs) song.count = counts[at++] ?? Number.NaN;
  }
  const all = rest.length === 0 ? [] : parts.flatMap((part) => part.songs);
  const problems = rest.map((problem): AddProblem<S> => {
    const [kind, at = "0", detail = "", kept] = problem.split(" ") as [AddProblem["kind"], ...string[]];
    const isOfSong = kind === "overflow" || kind === "full";
    const songs = isOfSong ? [all[Number(at)] as S] : (parts[Number(at)] as Part<S>).songs;
    const errors: Partial<Record<AddProblem["kind"], () => Error>> = {
      overflow: () => Refusal.overflow(Number(detail), (songs[0] as S).plays, Number(kept)),
      full: () => Refusal.full(maxSongs),
      dropped: () => Refusal.dropped(Number(detail)),
      forgotten: () => new UnknownOutcome(),
    };
    return { kind, songs, detail, error: errors[kind]?.() };
  });
  return { isRefused: kind === "refused", isBegun: begun !== "", problems };
}
