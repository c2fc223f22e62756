import { NotDone } from "./cluster/failures.ts";
import type { Redis } from "./redis.ts";
import type { Script } from "./scripts/script.ts";
import { ACKNOWLEDGE, CLEAR, FREEZE, SEAL, THAW } from "./scripts/shard.ts";

/** How often a shard is tried again because it has another head by now. */
const MOST_TRIES = 100;

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
  const { kind, number, epoch } = work;
  const { layout } = redis;
  const key = layout.keyOf(shard);
  if (kind === "clear") return await clear(redis, shard, number);
  if (kind === "acknowledge") return await acknowledge(redis, shard, work);
  const head =
    kind === "seal"
      ? await change(redis, shard, SEAL, [key, layout.foldKeyOf(shard, number)], [epoch, number])
      : kind === "freeze"
        ? await change(redis, shard, FREEZE, [key], [epoch, number])
        : await change(redis, shard, THAW, [key], [number]);
  redis.heads.learn(shard, head as string);
  return "0";
}

/** Runs a script that may give a shard another head: with the generation, where there is one. */
function change(
  redis: Redis,
  shard: number,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const all = redis.isCluster ? keys : [...keys, redis.layout.generation];
  return redis.onShard(shard, script, all, [...args.map(String), redis.isCluster ? "0" : "1"]);
}

/** The keys that there are to drop or to clear are those of the head: with another one nothing is done. */
async function acknowledge(redis: Redis, shard: number, { epoch, number, kept }: Work): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { text, keys } = redis.heads.of(shard);
    const reply = await change(redis, shard, ACKNOWLEDGE, keys, [text, epoch, number, kept]);
    const [head = "", freed = ""] = reply as string[];
    const now = redis.heads.learn(shard, head);
    if (now.epoch > epoch || now.kept >= number) return freed;
  }
  throw new NotDone("a shard has another head each time");
}

async function clear(redis: Redis, shard: number, epoch: number): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { text, keys } = redis.heads.of(shard);
    const head = await change(redis, shard, CLEAR, keys, [text, epoch]);
    if (redis.heads.learn(shard, head as string).epoch >= epoch) return "0";
  }
  throw new NotDone("a shard has another head each time");
}
