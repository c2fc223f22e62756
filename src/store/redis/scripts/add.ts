import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { Heads } from "../shards/heads.ts";
import text from "./add.lua" with { type: "text" };
import { randomChange, Script, type ScriptInput } from "./script.ts";

/** Adds plays to songs of some shards. */
export const ADD: Script = new Script(text, { writes: true });
/** The same script, for requests that only count. */
export const COUNT: Script = new Script(text, { writes: false });

/** A song and its plays. A reply sets `count`, the new count or NaN, and `fold`, the newest fold before. */
export interface Song {
  readonly id: string;
  readonly shard: number;
  plays: number;
  count: number;
  fold: number;
}

export interface Part<S extends Song = Song> {
  readonly shard: number;
  readonly songs: S[];
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

export function encodeAdd(heads: Heads, { mode, parts, after, claim }: AddRequest): ScriptInput {
  const { layout } = heads;
  const songs = parts.length === 1 ? (parts[0] as Part).songs : parts.flatMap((part) => part.songs);
  const plays = songs[0]?.plays ?? 0;
  const haveSamePlays = songs.every((song) => song.plays === plays);
  const texts = parts.map(({ shard }) => heads.of(shard).text);
  const [head = ""] = texts;
  const keys: string[] = [];
  for (const { shard } of parts) {
    for (const key of heads.of(shard).keys) keys.push(key);
    if (claim !== undefined) keys.push(layout.partKeyOf(shard, "adders"));
  }
  const args = [mode, String(after ?? ""), randomChange(), String(layout.shardSongs)];
  args.push(claim?.writer ?? "", claim?.stamp ?? "", String(layout.shardWriters));
  args.push(parts.map((part) => part.songs.length).join(" "));
  args.push(texts.every((text) => text === head) ? head : texts.join(" "));
  args.push(haveSamePlays ? String(plays) : "");
  for (const { id } of songs) args.push(id);
  if (!haveSamePlays) for (const song of songs) args.push(String(song.plays));
  return { keys, args };
}

/** `maxSongs`: the limit of all shards together, for a refusal. */
export function decodeAdd<S extends Song>(
  [kind, begun, countList = "", foldList = "", ...rest]: string[],
  parts: readonly Part<S>[],
  maxSongs: number,
): AddReply<S> {
  const [counts, folds] = [countList.split(" "), foldList.split(" ")];
  let at = 0;
  for (const [index, { songs }] of parts.entries()) {
    const fold = Number(folds[index]);
    for (const song of songs) {
      song.count = Number(counts[at++]);
      song.fold = fold;
    }
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
