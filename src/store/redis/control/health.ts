import { Lost, NotDone } from "../cluster/failures.ts";
import { type Control, PATIENCE } from "./control.ts";
import { Layout } from "../shards/layout.ts";
import type { Redis } from "../redis.ts";
import { LAY_OUT } from "../scripts/control.ts";
import { PROBE } from "../scripts/shard.ts";

/** Milliseconds between two checks. */
const INTERVAL = 250;

/**
 * Checks whether plays can be counted: writes a key on each server with shards, periodically. So it also
 * finds servers that answer and refuse to write.
 */
export class Health {
  readonly #redis: Redis;
  readonly #control: Control;
  #underWay = "";
  #underWaySince = 0;
  readonly #log: (line: string) => void;
  /**
   * True after the counts were lost and another server has laid out new ones, which this store cannot use.
   */
  areOthers = false;
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
    this.#trouble = redis.cluster.trouble;
    // After any change of a connection the store is unavailable until the next check has passed.
    redis.cluster.whenChanged(() => {
      this.#changes++;
      this.#trouble ??= "a connection was just lost";
      this.#wake();
    });
    void this.#watch();
  }

  /** The reason why plays cannot be counted, for the operator only. */
  get trouble(): string | undefined {
    return this.#redis.cluster.trouble ?? this.#trouble;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #watch(): Promise<void> {
    let told: string | undefined;
    while (!this.#isClosed) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const changes = this.#changes;
      const trouble = this.#redis.cluster.trouble ?? (await this.#checkLayout()) ?? (await this.#probe());
      if (this.#isClosed) return;
      if (changes !== this.#changes) continue;
      this.#trouble = trouble;
      if (this.#trouble !== told) {
        this.#log(this.#trouble === undefined ? "Redis can be used again" : `Redis: ${this.#trouble}`);
        told = this.#trouble;
      }
      await Promise.race([Bun.sleep(INTERVAL), woken]);
    }
  }

  /**
   * Checks that these are still the same counts. If Redis has lost them, lays them out again under the same
   * name, so that all servers continue. A server with another layout may have been first.
   */
  async #checkLayout(): Promise<string | undefined> {
    const { data } = this.#redis.layout;
    try {
      const found = (await this.#redis.onControl(LAY_OUT, Layout.request(data))) as string[];
      if (Layout.read(data.prefix, found).name !== data.name) this.areOthers = true;
      else await this.#endOld(found[4] ?? "");
      if (found[5] === "true") this.#log("Redis has lost data: the lost counts begin again at 0");
    } catch (error) {
      return `cannot read the layout of the counts: ${(error as Error).message}`;
    }
    return this.areOthers ? "it was wiped and set up again by another server; restart this one" : undefined;
  }

  /** Completes an operation whose server is presumed dead. */
  async #endOld(underWay: string): Promise<void> {
    if (underWay !== this.#underWay) [this.#underWay, this.#underWaySince] = [underWay, performance.now()];
    if (underWay === "" || performance.now() - this.#underWaySince < PATIENCE) return;
    this.#underWaySince = performance.now();
    await this.#control.endOther().catch(() => {}); // retried after the next check
  }

  /** Returns the first problem of a test write. */
  async #probe(): Promise<string | undefined> {
    const { cluster, layout } = this.#redis;
    const shards = new Map<string, number>();
    for (let shard = 0; shard < layout.shards; shard++) {
      shards.set(cluster.ownerOf(layout.slotOf(shard)) ?? "no server", shard);
    }
    const probes = Array.from(shards, async ([address, shard]) => {
      try {
        await this.#redis.onShard(shard, PROBE, [layout.probeKeyOf(shard)], []);
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
