import type { RequestKey } from "../../request-key.ts";
import { Script } from "./script.ts";
import text from "./writers.lua" with { type: "text" };

/** Claims requests with a key. Its keys are those of a place of writers. */
export const CLAIM: Script = new Script(text, { writes: true });
/** The same script, to confirm or release a claimed request, also if its addition has filled Redis. */
export const CONFIRM: Script = new Script(text, { writes: true, frees: true });

export type WritersRequest =
  | { verb: "claim"; fingerprint: number; maxWriters: number }
  /** The count is that of a single song; of a batch none is kept. */
  | {
      verb: "confirm";
      fold: number;
      count: number | undefined;
      maxWriters: number;
    }
  | { verb: "release" };

export type WritersReply =
  /** The request has to be added, with this stamp. */
  | { kind: "go"; stamp: string }
  /** The request was added before. */
  | { kind: "done"; fold: number; count: number | undefined }
  | { kind: "stale"; newest: number }
  | { kind: "reused" }
  /** The reply to `confirm` and `release`; `gone` if the record has changed. */
  | { kind: "confirmed" | "released" | "gone" };

export function encodeWriters({ writer, seq }: RequestKey, request: WritersRequest): string[] {
  const { verb } = request;
  const args = [verb, writer, String(seq)];
  if (verb === "claim") args.push(String(request.fingerprint), String(request.maxWriters));
  if (verb === "confirm")
    args.push(String(request.fold), String(request.count ?? ""), String(request.maxWriters));
  return args;
}

export function decodeWriters(reply: unknown): WritersReply {
  const [word, first = "", second = ""] = reply as string[];
  if (word === "go") return { kind: word, stamp: first };
  if (word === "done")
    return { kind: word, fold: Number(first), count: second === "" ? undefined : Number(second) };
  if (word === "stale") return { kind: word, newest: Number(first) };
  return { kind: word as "reused" | "confirmed" | "released" | "gone" };
}
