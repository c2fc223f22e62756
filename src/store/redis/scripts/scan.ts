import type { Entry } from "../../count-store.ts";
import text from "./scan.lua" with { type: "text" };
import { Script, type ScriptInput } from "./script.ts";

/** Reads some songs of one shard. */
export const SCAN: Script = new Script(text, { writes: false });

export interface ScanRequest {
  /** The key of the shard, and its head. */
  shard: string;
  head: string;
  /** The keys of the hashes to walk, and the place of the current one. */
  keys: readonly string[];
  walked: number;
  cursor: string;
  /** Approximate number of songs. */
  count: number;
  /** The least plays to list. */
  least: number;
}

export type ScanReply = { kind: "songs"; cursor: string; entries: Entry[] } | { kind: "head"; head: string };

export function encodeScan({ shard, head, keys, walked, cursor, count, least }: ScanRequest): ScriptInput {
  const numbers = [String(count), String(least)];
  return { keys: [shard, ...keys], args: [head, String(walked + 1), cursor, ...numbers] };
}

export function decodeScan(reply: unknown): ScanReply {
  const [word, first = "", ...rest] = reply as string[];
  if (word === "head") return { kind: word, head: first };
  const entries: Entry[] = [];
  for (let at = 0; at < rest.length; at += 2) entries.push([rest[at] as string, Number(rest[at + 1])]);
  return { kind: "songs", cursor: first, entries };
}
