import { Script } from "./script.ts";
import text from "./survey.lua" with { type: "text" };

/** Reads the figures of shards, whose keys are its only input. */
export const SURVEY: Script = new Script(text, { writes: false });

export interface ShardFigures {
  changes: bigint;
  songs: number;
  head: string;
}

/** Returns the figures of each shard. */
export function decodeSurvey(reply: unknown): ShardFigures[] {
  const words = reply as string[];
  return Array.from({ length: words.length / 3 }, (_, shard) => {
    const [changes = "", songs = "", head = ""] = words.slice(3 * shard, 3 * shard + 3);
    return { changes: BigInt(changes), songs: Number(songs), head };
  });
}
