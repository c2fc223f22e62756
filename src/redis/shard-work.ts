import type { Redis } from "./redis.ts";
import { ACKNOWLEDGE, CLEAR, FREEZE, SEAL, THAW } from "./scripts/shard.ts";

/** What is done to all shards, one after the other. */
export interface Work {
  kind: "seal" | "acknowledge" | "clear" | "freeze" | "thaw";
  /** The fold, the epoch that begins, or whose doing it is that shards are frozen. */
  number: number;
  /** The epoch, and the fold that was kept, when it began. */
  epoch: number;
  kept: number;
}

/** Does to a shard what is to be done to all. Where it has been done it changes nothing. Gives what room was ever given back. */
export async function workOn(redis: Redis, shard: number, work: Work): Promise<string> {
  const { kind, number, epoch, kept } = work;
  const { heads, layout } = redis;
  const key = layout.keyOf(shard);
  if (kind === "clear") return await clear(redis, shard, number);
  if (kind === "acknowledge") {
    const args = [epoch, number, kept].map(String);
    const reply = await redis.onShard(shard, ACKNOWLEDGE, [key, layout.foldKeyOf(shard, kept)], args);
    const [head, freed] = reply as [string, string];
    heads.learn(shard, head);
    return freed;
  }
  const head =
    kind === "seal"
      ? await redis.onShard(shard, SEAL, [key, layout.foldKeyOf(shard, number)], [epoch, number].map(String))
      : kind === "freeze"
        ? await redis.onShard(shard, FREEZE, [key], [epoch, number].map(String))
        : await redis.onShard(shard, THAW, [key], [String(number)]);
  heads.learn(shard, head as string);
  return "0";
}

async function clear(redis: Redis, shard: number, epoch: number): Promise<string> {
  for (;;) {
    const { text, keys } = redis.heads.of(shard);
    const head = await redis.onShard(shard, CLEAR, keys, [text, String(epoch)]);
    if (redis.heads.learn(shard, head as string).epoch >= epoch) return "0";
  }
}
