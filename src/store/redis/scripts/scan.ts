import type { Entry } from "../../count-store.ts";
import text from "./scan.lua" with { type: "text" };
import { Script } from "./script.ts";

/** Reads some songs of one shard. */
export const SCAN: Script = new Script(text, { writes: false });

export type ScanReply = { kind: "songs"; cursor: string; entries: Entry[] } | { kind: "head"; head: string };

export function decodeScan([word, first = "", ...rest]: string[]): ScanReply {
  if (word === "head") return { kind: word, head: first };
  const entries: Entry[] = [];
  for (let at = 0; at < rest.length; at += 2) entries.push([rest[at] as string, Number(rest[at + 1])]);
  return { kind: "songs", cursor: first, entries };
}
