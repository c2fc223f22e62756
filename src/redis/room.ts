import { Refusal } from "../store/refusal.ts";
import type { Control } from "./control.ts";
import { failedReading } from "./outcomes.ts";
import { eachOf, type Redis } from "./redis.ts";
import { CONTROL } from "./scripts/control.ts";
import { GIVE_BACK, GRANT } from "./scripts/shard.ts";

/** Milliseconds between two times at which shards are asked to give back room that they do not use. */
const RECLAIM_INTERVAL = 1000;

/** How many shards are asked at a time. */
const WIDTH = 64;

/** Songs of a shard that there is no room for. */
export interface Need {
  shard: number;
  epoch: number;
  /** For how many songs the shard has been granted room in this epoch. */
  granted: number;
  more: number;
  /** For how many there must be room in all shards, or there is no use in this. */
  altogether: number;
}

/**
 * Room for new songs, which shards are granted: never for more than `maxSongs` in all of them. Some may have room left while
 * others want more, and so there may be room for some less, for a second.
 */
export class Room {
  readonly #redis: Redis;
  readonly #control: Control;
  readonly #maxSongs: number;
  #nextReclaim = 0;
  #reclaiming: Promise<boolean> | undefined;
  /** Whether any shard was granted room since it was reclaimed. */
  #hasGranted = false;
  /** What is asked for a shard just now: all who want room there wait for the same answer. */
  readonly #asked = new Map<number, Promise<void>>();

  constructor(redis: Redis, control: Control, maxSongs: number) {
    this.#redis = redis;
    this.#control = control;
    this.#maxSongs = maxSongs;
  }

  /**
   * Gets room for `more` songs of a shard. Others may take it, so it may have to be asked for again.
   *
   * @throws {Refusal} `full` if there is none, or less than `altogether`.
   */
  ask(need: Need): Promise<void> {
    const asked = this.#asked.get(need.shard);
    if (asked !== undefined) return asked;
    const asking = this.#ask(need).finally(() => this.#asked.delete(need.shard));
    this.#asked.set(need.shard, asking);
    return asking;
  }

  /** The same for several shards, for all of them or for none. */
  async askForAll(needs: readonly Omit<Need, "altogether">[]): Promise<void> {
    const [first, ...rest] = needs;
    if (first === undefined) return;
    const altogether = needs.reduce((sum, { more }) => sum + more, 0);
    await this.ask({ ...first, altogether });
    await eachOf(rest.length, WIDTH, async (at) => {
      const need = rest[at] as Need;
      await this.ask({ ...need, altogether: need.more });
    });
  }

  async #ask(need: Need): Promise<void> {
    const { shard, epoch } = need;
    try {
      let reply = await this.#take(need);
      if (reply === "full" && (await this.#reclaim(epoch))) reply = await this.#take(need);
      if (reply === "full") throw Refusal.full(this.#maxSongs);
      if (reply === "busy") return await this.#control.endOther();
      this.#hasGranted = true;
      const key = this.#redis.layout.keyOf(shard);
      await this.#redis.onShard(shard, GRANT, [key], [String(epoch), reply]);
    } catch (error) {
      throw failedReading(error); // whatever became of this, no song was added
    }
  }

  async #take({ shard, epoch, granted, more, altogether }: Need): Promise<string> {
    const args = ["take", shard, epoch, granted, more, this.#maxSongs, altogether].map(String);
    return (await this.#redis.onControl(CONTROL, args)) as string;
  }

  /**
   * Has all shards give back what room they have left; gives whether it did. Not often: whoever plays new songs where
   * there is no room pays for it.
   */
  #reclaim(epoch: number): Promise<boolean> {
    if (this.#reclaiming !== undefined) return this.#reclaiming;
    if (!this.#hasGranted && performance.now() < this.#nextReclaim) return Promise.resolve(false);
    this.#hasGranted = false;
    this.#nextReclaim = performance.now() + RECLAIM_INTERVAL;
    this.#reclaiming = this.#reclaimAll(epoch).finally(() => (this.#reclaiming = undefined));
    return this.#reclaiming;
  }

  async #reclaimAll(epoch: number): Promise<boolean> {
    const freed: string[] = [];
    const { layout } = this.#redis;
    await eachOf(layout.shards, WIDTH, async (shard) => {
      const total = await this.#redis.onShard(shard, GIVE_BACK, [layout.keyOf(shard)], [String(epoch)]);
      freed.push(String(shard), total as string);
    });
    await this.#redis.onControl(CONTROL, ["take back", String(epoch), ...freed]);
    return true;
  }
}
