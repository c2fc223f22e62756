import { Lost, NotDone } from "../cluster/failures.ts";
import { type Control, PATIENCE } from "./control.ts";
import { Layout } from "../shards/layout.ts";
import type { Redis } from "../redis.ts";
import { LAY_OUT } from "../scripts/control.ts";
import { PROBE } from "../scripts/shard.ts";

/** Milliseconds from one look at how Redis is to the next. */
const INTERVAL = 250;

/**
 * Whether plays can be counted: each server that has shards is asked to write something, again and again. That finds those
 * as well that answer, but do not take what is written.
 */
export class Health {
  readonly #redis: Redis;
  readonly #control: Control;
  #underWay = "";
  #underWaySince = 0;
  readonly #log: (line: string) => void;
  /** Whether there are other counts by now, laid out in another way: nothing here can be done with them. */
  areOthers = false;
  #trouble: string | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  /** How often a server was lost, or there again. */
  #changes = 0;

  /** `log` is told whenever that changes. */
  constructor(redis: Redis, control: Control, log: (line: string) => void) {
    this.#redis = redis;
    this.#control = control;
    this.#log = log;
    this.#trouble = redis.cluster.trouble;
    // Whatever has happened to a server meanwhile, it is looked at before anything is said to be well again.
    redis.cluster.whenChanged(() => {
      this.#changes++;
      this.#trouble ??= "a server was lost just now";
      this.#wake();
    });
    void this.#watch();
  }

  /** Why they cannot; for the operator alone. */
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
   * Whether these are still the same counts. If Redis has lost them they are laid out again as they were, so that all
   * servers go on alike; but another one may have been sooner.
   */
  async #checkLayout(): Promise<string | undefined> {
    const { data } = this.#redis.layout;
    try {
      const found = (await this.#redis.onControl(LAY_OUT, Layout.request(data))) as string[];
      if (Layout.read(data.prefix, found).name !== data.name) this.areOthers = true;
      else await this.#endOld(found[4] ?? "");
      if (found[5] === "true") this.#log("Redis has lost data: what it does not have any more begins anew");
    } catch (error) {
      return `how the counts are laid out: ${(error as Error).message}`;
    }
    return this.areOthers ? "what was there was lost, and laid out anew: start this server again" : undefined;
  }

  /** Ends what has been under way for so long that who began it must have died. */
  async #endOld(underWay: string): Promise<void> {
    if (underWay !== this.#underWay) [this.#underWay, this.#underWaySince] = [underWay, performance.now()];
    if (underWay === "" || performance.now() - this.#underWaySince < PATIENCE) return;
    this.#underWaySince = performance.now();
    await this.#control.endOther().catch(() => {}); // the next time, then
  }

  /** What one of the servers says, the first one that takes nothing. */
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
        if (error instanceof Lost) return `${address}: it did not answer in time, or too few replicas did`;
        return `${address}: ${error instanceof NotDone ? error.message : String(error)}`;
      }
    });
    return (await Promise.all(probes)).find((trouble) => trouble !== undefined);
  }
}
