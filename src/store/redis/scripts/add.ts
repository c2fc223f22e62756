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
  /** Largest number of songs of a shard. */
  maxSongs: number;
  /** The fold after which plays count. Default: the newest acknowledged one. */
  after?: number | undefined;
  /** The writer of a request with a key, its stamp, and the number of writers that a shard remembers. */
  claim?: { writer: string; stamp: string; maxWriters: number } | undefined;
}

/** A reason why a song, or all songs of a part, were not added. */
export type AddProblem<S extends Song = Song> =
  | { kind: "head"; part: Part<S>; head: string }
  | { kind: "broken"; part: Part<S>; error: string }
  /** `kept`: plays in the acknowledged fold that is kept. */
  | { kind: "overflow"; song: S; count: number; kept: number }
  | { kind: "full"; song: S }
  /** Plays after `after` are in folds up to `fold`, which are dropped. */
  | { kind: "dropped"; part: Part<S>; fold: number }
  /** A shard no longer knows whether it has added the request before. */
  | { kind: "forgotten" };

export interface AddReply<S extends Song = Song> {
  /** True if nothing was added in a mode for all or nothing. */
  isRefused: boolean;
  /** True if a shard has added a part of the same request before. */
  isBegun: boolean;
  problems: AddProblem<S>[];
}

export function encodeAdd(heads: Heads, { mode, parts, maxSongs, after, claim }: AddRequest): ScriptInput {
  const songs = parts.length === 1 ? (parts[0] as Part).songs : parts.flatMap((part) => part.songs);
  const plays = songs[0]?.plays ?? 0;
  const haveSamePlays = songs.every((song) => song.plays === plays);
  const texts = parts.map(({ shard }) => heads.of(shard).text);
  const [head = ""] = texts;
  const keys: string[] = [];
  for (const { shard } of parts) {
    for (const key of heads.of(shard).keys) keys.push(key);
    if (claim !== undefined) keys.push(heads.layout.addersKeyOf(shard));
  }
  const args = [mode, String(after ?? ""), randomChange(), String(maxSongs)];
  args.push(claim?.writer ?? "", claim?.stamp ?? "", String(claim?.maxWriters ?? ""));
  args.push(parts.map((part) => part.songs.length).join(" "));
  args.push(texts.every((text) => text === head) ? head : texts.join(" "));
  args.push(haveSamePlays ? String(plays) : "");
  for (const { id } of songs) args.push(id);
  if (!haveSamePlays) for (const song of songs) args.push(String(song.plays));
  return { keys, args };
}

export function decodeAdd<S extends Song>(reply: unknown, { parts }: AddRequest<S>): AddReply<S> {
  const [kind, begun, countList = "", foldList = "", ...rest] = reply as string[];
  const [counts, folds] = [countList.split(" "), foldList.split(" ")];
  let at = 0;
  for (const [index, { songs }] of parts.entries()) {
    const fold = Number(folds[index]);
    for (const song of songs) [song.count, song.fold] = [Number(counts[at++]), fold];
  }
  const songs = rest.length === 0 ? [] : parts.flatMap((part) => part.songs);
  const problems = rest.map((problem) => decodeProblem(problem, parts, songs));
  return { isRefused: kind === "refused", isBegun: begun !== "", problems };
}

function decodeProblem<S extends Song>(
  problem: string,
  parts: readonly Part<S>[],
  songs: readonly S[],
): AddProblem<S> {
  const [kind, at, rest = "", kept] = problem.split(" ");
  const [part, song] = [parts[Number(at)] as Part<S>, songs[Number(at)] as S];
  if (kind === "head") return { kind, part, head: rest };
  if (kind === "broken") return { kind, part, error: rest };
  if (kind === "dropped") return { kind, part, fold: Number(rest) };
  if (kind === "overflow") return { kind, song, count: Number(rest), kept: Number(kept) };
  return kind === "full" ? { kind, song } : { kind: "forgotten" };
}
