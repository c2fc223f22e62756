import type { RequestKey } from "../../request-key.ts";
import type { Head, Heads } from "../shards/heads.ts";
import type { Layout } from "../shards/layout.ts";
import type { Redis } from "../redis.ts";

/** Most songs of one script: two milliseconds, for which all others wait. */
const MOST = 1024;

/** The songs of a batch that are in one shard, by their place in the batch. */
export interface Part {
  shard: number;
  /** Where one shard has very many, they are added one piece after the other: which one this is, from 0 on. */
  piece: number;
  places: number[];
}

type Song = readonly [id: string, plays: number];

/** What is added, and by whose request. */
export interface BatchRequest {
  songs: readonly Song[];
  parts: readonly Part[];
  key: RequestKey | undefined;
  /** By what a shard knows that it has added it; empty without a key. */
  stamp: string;
}

/** Whether it is only looked whether a batch can be added. */
export type Mode = "check" | "add";

/** What goes in one script. */
export interface Share {
  mode: Mode;
  batch: BatchRequest;
  group: readonly Part[];
  /** How many writers a shard remembers. */
  writersAShard: string;
  /** That of the heads; empty if there is none that is known. */
  generation: string;
}

export interface Command {
  keys: string[];
  args: string[];
  /** The newest fold that was sealed in all of the shards, if they are as the command says. */
  fold: number;
}

/** What stands in the place of something that differs. */
const EACH = "*";
/** A part's number of songs and its piece are one argument; there are fewer songs in a part. */
const PIECE = 65_536;

/** The script's keys and arguments, with the heads that are known of the shards. What is the same for all is said once. */
export function commandOf(heads: Heads, { mode, batch, group, writersAShard, generation }: Share): Command {
  const { songs, key, stamp } = batch;
  const known = group.map(({ shard }) => heads.of(shard));
  const [first] = known as [Head];
  const head = known.every(({ text }) => text === first.text) ? first.text : EACH;
  const plays = playsOfAll(songs, group);
  const keys: string[] = generation === "" ? [] : [heads.layout.generation];
  const args = [generation, mode, key?.writer ?? "", stamp, writersAShard, head, plays];
  for (const [at, { shard, piece, places }] of group.entries()) {
    for (const one of (known[at] as Head).keys) keys.push(one);
    if (key !== undefined) keys.push(heads.layout.addersKeyOf(shard));
    if (head === EACH) args.push((known[at] as Head).text);
    args.push(String(places.length + PIECE * piece));
    for (const place of places) args.push((songs[place] as Song)[0]);
    if (plays === EACH) for (const place of places) args.push(String((songs[place] as Song)[1]));
  }
  return { keys, args, fold: Math.min(...known.map(({ newest }) => newest)) };
}

/** Those of each song, if they are the same. */
function playsOfAll(songs: BatchRequest["songs"], group: readonly Part[]): string {
  const [place] = (group[0] as Part).places;
  if (place === undefined) return EACH;
  const [, plays] = songs[place] as Song;
  for (const { places } of group)
    for (const other of places) if ((songs[other] as Song)[1] !== plays) return EACH;
  return String(plays);
}

/** The parts of a batch; one without songs if it has none, which tells what fold it is. */
export function divide(layout: Layout, songs: BatchRequest["songs"]): Part[] {
  const parts: Part[] = [];
  const open = new Map<number, Part>();
  for (const [place, [id]] of songs.entries()) {
    const shard = layout.shardOf(id);
    let part = open.get(shard);
    if (part === undefined || part.places.length === MOST) {
      part = { shard, piece: part === undefined ? 0 : part.piece + 1, places: [] };
      open.set(shard, part);
      parts.push(part);
    }
    part.places.push(place);
  }
  return parts.length > 0 ? parts : [{ shard: 0, piece: 0, places: [] }];
}

/** Parts that go in one script each; and then those that have to wait until the pieces in front of them are added. */
export function roundsOf(redis: Redis, parts: readonly Part[]): Part[][][] {
  const rounds = Map.groupBy(parts, ({ piece }) => piece);
  return Array.from(rounds.values(), (round) => groupsOf(redis, round));
}

function groupsOf(redis: Redis, parts: readonly Part[]): Part[][] {
  const groups: Part[][] = [];
  const open = new Map<number, { group: Part[]; songs: number }>();
  for (const part of parts) {
    const number = redis.groupOf(part.shard);
    let last = open.get(number);
    if (last === undefined || last.songs + part.places.length > MOST) {
      last = { group: [], songs: 0 };
      groups.push(last.group);
      open.set(number, last);
    }
    last.group.push(part);
    last.songs += part.places.length;
  }
  return groups;
}
