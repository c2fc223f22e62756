import { NotDone } from "../cluster/failures.ts";
import type { Redis } from "../redis.ts";
import { ACKNOWLEDGE, CLEAR, FREEZE, SEAL, THAW } from "../scripts/shard.ts";

/** How often a shard is tried again because it has another head by now. */
const MOST_TRIES = 100;

/** What is done to all shards, one after the other. */
export interface ShardOperation {
  kind: "seal" | "acknowledge" | "clear" | "freeze" | "thaw";
  /** The fold, the epoch that begins, or whose doing it is that shards are frozen. */
  number: number;
  /** The epoch, and the fold that was kept, when it began. */
  epoch: number;
  kept: number;
}

/** Does to a shard what is to be done to all. Where it has been done it changes nothing. Gives what room was ever given back. */
export async function applyOperation(redis: Redis, shard: number, work: ShardOperation): Promise<string> {
  const { kind, number, epoch } = work;
  const { layout } = redis;
  const key = layout.keyOf(shard);
  if (kind === "clear") return await clear(redis, shard, number);
  if (kind === "acknowledge") return await acknowledge(redis, shard, work);
  const head =
    kind === "seal"
      ? await redis.onHead(shard, SEAL, [key, layout.foldKeyOf(shard, number)], [epoch, number])
      : kind === "freeze"
        ? await redis.onHead(shard, FREEZE, [key], [epoch, number])
        : await redis.onHead(shard, THAW, [key], [number]);
  redis.heads.learn(shard, head as string);
  return "0";
}

/** The keys that there are to drop or to clear are those of the head: with another one nothing is done. */
async function acknowledge(
  redis: Redis,
  shard: number,
  { epoch, number, kept }: ShardOperation,
): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { text, keys } = redis.heads.of(shard);
    const reply = await redis.onHead(shard, ACKNOWLEDGE, keys, [text, epoch, number, kept]);
    const [head = "", freed = ""] = reply as string[];
    const now = redis.heads.learn(shard, head);
    if (now.epoch > epoch || now.kept >= number) return freed;
  }
  throw new NotDone("a shard has another head each time");
}

async function clear(redis: Redis, shard: number, epoch: number): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { text, keys } = redis.heads.of(shard);
    const head = await redis.onHead(shard, CLEAR, keys, [text, epoch]);
    if (redis.heads.learn(shard, head as string).epoch >= epoch) return "0";
  }
  throw new NotDone("a shard has another head each time");
}
