import { resolvesWithin } from "../../../async/timing.ts";
import { Lost, NotDone } from "../cluster/failures.ts";
import type { Node } from "../cluster/node.ts";
import { TROUBLE_REPEAT_MS, withoutRepeats } from "../log.ts";
import { layOut, type Redis } from "../redis.ts";
import { Script } from "../scripts/script.ts";
import type { Control } from "./control.ts";

/** Writes a key that expires soon, which is its only input. */
const PROBE = new Script("return call('SET', KEYS[1], '', 'PX', 60000)", { writes: true });

const INTERVAL_MS = 250;
/** Milliseconds after which the server of an operation is presumed dead. */
const PATIENCE_MS = 1000;

/** Writes a key on each server with shards, periodically. So it also finds servers that refuse to write. */
export class Health {
  readonly #redis: Redis;
  readonly #control: Control;
  #underWay = { name: "", since: 0 };
  readonly #log: (line: string) => void;
  #trouble: string | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  /** Number of times that a server was lost or reconnected. */
  #changes = 0;

  /** Logs each change. */
  constructor(redis: Redis, control: Control, log: (line: string) => void) {
    this.#redis = redis;
    this.#control = control;
    this.#log = log;
    this.#trouble = redis.cluster.topology.trouble;
    // After any change of a connection the store is unavailable until the next check has passed.
    redis.cluster.topology.onChange = () => {
      this.#changes++;
      this.#trouble ??= "a connection was just lost";
      this.#wake();
    };
    void this.#watch();
  }

  /** The reason why plays cannot be counted, for the operator only. */
  get trouble(): string | undefined {
    return this.#redis.cluster.topology.trouble ?? this.#trouble;
  }

  close(): void {
    this.#isClosed = true;
    this.#wake(); // a timer would keep the process alive
  }

  async #watch(): Promise<void> {
    const logTrouble = withoutRepeats(this.#log, TROUBLE_REPEAT_MS);
    let [isTroubled, warnedAt] = [false, -1];
    while (!this.#isClosed) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const changes = this.#changes;
      const trouble =
        this.#redis.cluster.topology.trouble ?? (await this.#checkLayout()) ?? (await this.#probe());
      if (this.#isClosed) return;
      if (changes !== this.#changes) continue;
      this.#trouble = trouble;
      if (trouble !== undefined) logTrouble(`Redis: ${trouble}`);
      else if (isTroubled) logTrouble("Redis can be used again");
      isTroubled = trouble !== undefined;
      if (trouble === undefined && warnedAt !== changes) {
        await this.#warnOfEviction();
        warnedAt = changes;
      }
      await resolvesWithin(woken, INTERVAL_MS / 1000);
    }
  }

  /** Lays lost counts out again as they were, so that all servers continue. Another server may be first. */
  async #checkLayout(): Promise<string | undefined> {
    const { data } = this.#redis.layout;
    try {
      const { layout, underWay, isNew } = await layOut(this.#redis.cluster, data);
      if (layout.name !== data.name) this.#redis.areOthers = true;
      else await this.#completeOld(underWay);
      if (isNew) this.#log("Redis has lost data: the lost counts begin again at 0");
    } catch (error) {
      return `cannot read the layout of the counts: ${(error as Error).message}`;
    }
    return this.#redis.areOthers
      ? "it was wiped and set up again by another server; restart this one"
      : undefined;
  }

  /** Completes an operation whose server is presumed dead. */
  async #completeOld(name: string): Promise<void> {
    const now = performance.now();
    if (name !== this.#underWay.name) this.#underWay = { name, since: now };
    if (name === "" || now - this.#underWay.since < PATIENCE_MS) return;
    this.#underWay.since = now;
    await this.#control.completeOther().catch(() => {}); // retried after the next check
  }

  /** Logs servers that evict keys when their memory is full. Nothing of one that may not be asked. */
  async #warnOfEviction(): Promise<void> {
    for (const server of this.#shardByServer().keys()) {
      const figures = await server?.send("INFO", ["memory"]).catch(() => "");
      const policy = /^maxmemory_policy:(allkeys-\S+)/m.exec(String(figures))?.[1];
      if (policy !== undefined)
        this.#log(
          `Redis: ${server?.address} evicts counts when it is full (${policy}): set maxmemory-policy noeviction`,
        );
    }
  }

  /** Returns a shard of each server that has any. */
  #shardByServer(): Map<Node | undefined, number> {
    const { cluster, layout } = this.#redis;
    const shards = new Map<Node | undefined, number>();
    for (let shard = 0; shard < layout.shards; shard++)
      shards.set(cluster.topology.ownerOf(layout.slotOf(shard)), shard);
    return shards;
  }

  /** Returns the first problem of a test write. */
  async #probe(): Promise<string | undefined> {
    const { layout } = this.#redis;
    const probes = Array.from(this.#shardByServer(), async ([server, shard]) => {
      const address = server?.address ?? "no server";
      try {
        await this.#redis.onShard(shard, PROBE, { keys: [layout.partKeyOf(shard, "probe")], verb: "probe" });
        return undefined;
      } catch (error) {
        if (error instanceof Lost)
          return `${address}: it, or too many of its replicas, did not answer in time`;
        return `${address}: ${error instanceof NotDone ? error.message : String(error)}`;
      }
    });
    return (await Promise.all(probes)).find((trouble) => trouble !== undefined);
  }
}
