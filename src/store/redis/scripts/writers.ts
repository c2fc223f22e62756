import { Script } from "./script.ts";
import text from "./writers.lua" with { type: "text" };

/** Claims requests with a key. Its keys are those of a place of writers. */
export const CLAIM: Script = new Script(text, { writes: true });
/** The same script, to confirm or release a claimed request, also if its addition has filled Redis. */
export const CONFIRM: Script = new Script(text, { writes: true, frees: true });

export type WritersVerb = "claim" | "confirm" | "release";

/** The reply to a claim. */
export type ClaimReply =
  /** The request has to be added, with this stamp. */
  | { kind: "go"; stamp: string }
  /** The request was added before. The count is that of a single song; of a batch none is kept. */
  | { kind: "done"; fold: number; count: number | undefined }
  | { kind: "stale"; newest: number }
  | { kind: "reused" };

export function decodeClaim([word, first = "", second = ""]: string[]): ClaimReply {
  if (word === "go") return { kind: word, stamp: first };
  if (word === "stale") return { kind: word, newest: Number(first) };
  if (word === "reused") return { kind: word };
  return { kind: "done", fold: Number(first), count: second === "" ? undefined : Number(second) };
}
