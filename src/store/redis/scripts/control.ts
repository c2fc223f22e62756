import type { SealedFold } from "../../count-store.ts";
import type { LayoutData } from "../shards/layout.ts";
import text from "./control.lua" with { type: "text" };
import type { ShardOperation } from "./operation.ts";
import { Script } from "./script.ts";
import stateText from "./state.lua" with { type: "text" };

/** Changes the state that all shards share. Its only key is that of the state. */
export const CONTROL: Script = new Script(text, { writes: true, frees: true });
/** Reads that state. */
export const STATE: Script = new Script(stateText, { writes: false });

export type ControlRequest =
  | { verb: "begin"; kind: ShardOperation["kind"]; fold: number; maxFolds: number; label: string | undefined }
  | { verb: "end"; operation: string }
  | { verb: "raise"; operation: string; epoch: number };

export type ControlReply =
  /** `busy`: another operation is under way. */
  | { kind: "go" | "busy"; operation: ShardOperation }
  | { kind: "done" | "ended" | "gone" | "raised" }
  /** Reasons to refuse; `fold` is the one in the way. */
  | { kind: "below" | "older" | "many" | "unknown"; fold: number }
  | { kind: "label"; label: string };

export interface LayoutReply {
  layout: LayoutData;
  /** Name of the operation under way, or an empty text. */
  underWay: string;
  /** True if the counts were laid out by this request. */
  isNew: boolean;
}

/** The state, with times in milliseconds since 1970. */
export interface State {
  unacknowledged: SealedFold[];
  newest: number;
  kept: number;
  dropped: number;
  epoch: number;
  underWay: ShardOperation | undefined;
  lastSealedAt: number | undefined;
  lastAcknowledgedAt: number | undefined;
  oldestSealedAt: number | undefined;
}

export function decodeControl([word = "", first = "", second = ""]: string[]): ControlReply {
  if (word === "go" || word === "busy") return { kind: word, operation: operationOf(first, second) };
  if (word === "done" || word === "ended" || word === "gone" || word === "raised") return { kind: word };
  if (word === "label") return { kind: word, label: first };
  return { kind: word as "below" | "older" | "many" | "unknown", fold: Number(first) };
}

export function decodeState(reply: unknown): State {
  const [folds = "", kept = "", dropped = "", epoch = "", name = "", ...others] = reply as string[];
  const [lastSealedAt, lastAcknowledgedAt, ...seals] = others;
  const numbers = folds.split(",").filter(Boolean).map(Number);
  const unacknowledged = numbers.map((fold, at) => {
    return { fold, sealedAt: timeOf(seals[2 * at]), label: seals[2 * at + 1] ?? "" };
  });
  return {
    unacknowledged,
    newest: numbers.at(-1) ?? Number(kept),
    kept: Number(kept),
    dropped: Number(dropped),
    epoch: Number(epoch),
    underWay: name === "" ? undefined : operationOf(name, kept),
    lastSealedAt: timeOf(lastSealedAt),
    lastAcknowledgedAt: timeOf(lastAcknowledgedAt),
    oldestSealedAt: unacknowledged[0]?.sealedAt,
  };
}

function timeOf(text: string | undefined): number | undefined {
  return Number(text) || undefined;
}

/** @throws {RangeError} for counts of a version that lays them out in another way. */
export function decodeLayout(prefix: string, reply: unknown): LayoutReply {
  if ((reply as string[])[0] === "format")
    throw new RangeError(
      `the counts of ${prefix} in Redis have the format of another version: use that, or another --store-prefix`,
    );
  const [shards, writers, seed = "", name = "", underWay = "", isNew] = reply as string[];
  const [low = 0, high = 0] = seed.split(":").map(Number);
  const numbers = { shards: Number(shards), writers: Number(writers) };
  const layout = { prefix, ...numbers, seed: [low, high] as const, name };
  return { layout, underWay, isNew: isNew !== "" };
}

function operationOf(name: string, kept: string): ShardOperation {
  const [kind, number, epoch] = name.split(":") as [ShardOperation["kind"], string, string];
  return { name, kind, number: Number(number), epoch: Number(epoch), kept: Number(kept) };
}
