import type { RequestKey } from "../store/request-key.ts";
import type { Heads } from "./heads.ts";
import type { Layout } from "./layout.ts";
import type { Redis } from "./redis.ts";

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
export interface Batch {
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
  batch: Batch;
  group: readonly Part[];
  /** How many writers a shard remembers. */
  writersAShard: string;
}

export interface Command {
  keys: string[];
  args: string[];
  /** The newest fold that was sealed in all of the shards, if they are as the command says. */
  fold: number;
}

/** The script's keys and arguments, with the heads that are known of the shards. */
export function commandOf(heads: Heads, { mode, batch, group, writersAShard }: Share): Command {
  const { songs, key, stamp } = batch;
  const command: Command = {
    keys: [],
    args: [mode, key?.writer ?? "", stamp, writersAShard],
    fold: Number.MAX_SAFE_INTEGER,
  };
  for (const { shard, piece, places } of group) {
    const head = heads.of(shard);
    command.fold = Math.min(command.fold, head.newest);
    command.keys.push(...head.keys);
    if (key !== undefined) command.keys.push(heads.layout.addersKeyOf(shard));
    command.args.push(head.text, String(places.length), String(piece));
    for (const place of places) command.args.push((songs[place] as Song)[0]);
    for (const place of places) command.args.push(String((songs[place] as Song)[1]));
  }
  return command;
}

/** The parts of a batch; one without songs if it has none, which tells what fold it is. */
export function divide(layout: Layout, songs: Batch["songs"]): Part[] {
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
