import type { Heads } from "../shards/heads.ts";
import text from "./operation.lua" with { type: "text" };
import { randomChange, Script, type ScriptInput } from "./script.ts";

/** Seals, acknowledges or clears one shard. */
export const OPERATION: Script = new Script(text, { writes: true, frees: true });

/** An operation on all shards. */
export interface ShardOperation {
  kind: "seal" | "acknowledge" | "clear";
  /** The fold, or the epoch that a clear begins. */
  number: number;
  /** The epoch and the kept fold at the begin of the operation. */
  epoch: number;
  kept: number;
  /** Its name in the shared state. */
  name: string;
}

export function encodeOperation(heads: Heads, shard: number, operation: ShardOperation): ScriptInput {
  const { kind, number, kept } = operation;
  const { keys, text } = heads.of(shard);
  const epoch = kind === "clear" ? number : operation.epoch;
  return {
    keys: kind === "seal" ? [...keys, heads.layout.partKeyOf(shard, number)] : keys,
    verb: kind,
    request: { head: text, epoch, fold: number, dropped: kept, change: randomChange() },
  };
}
