import { Refusal } from "../../refusal.ts";
import { NotDone } from "../cluster/failures.ts";
import type { Control } from "../control/control.ts";
import { failedReading } from "../outcomes.ts";
import { eachOf } from "../../../async.ts";
import type { Redis } from "../redis.ts";
import { applyOperation } from "../control/shard-operation.ts";
import { TAKE, TAKE_BACK } from "../scripts/room.ts";
import { GIVE_BACK, GRANT } from "../scripts/shard.ts";

/** Milliseconds between two times at which shards are asked to give back room that they do not use. */
const RECLAIM_INTERVAL = 1000;

/** How many shards are asked at a time. */
const WIDTH = 64;

/** Songs that are new to a shard. */
export interface Need {
  shard: number;
  epoch: number;
  /** How many they are. */
  songs: number;
  /** For how many there is room. */
  left: number;
  /** For how many the shard has been granted room in this epoch. */
  granted: number;
}

/**
 * Room for new songs, which shards are granted: never for more than `maxSongs` in all of them. Some may have room left while
 * others want more, and so there may be room for some less, for a second.
 */
export class SongQuota {
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
   * Gets room for songs of one shard. Others may take it, so it may have to be asked for again.
   *
   * @throws {Refusal} `full` if there is none.
   */
  ask(need: Need): Promise<void> {
    const asked = this.#asked.get(need.shard);
    if (asked !== undefined) return asked;
    const asking = this.askForAll([need]).finally(() => this.#asked.delete(need.shard));
    this.#asked.set(need.shard, asking);
    return asking;
  }

  /** The same for several shards, for all of them or for none. */
  async askForAll(all: readonly Need[]): Promise<void> {
    const needs = sumByShard(all);
    const lacking = needs.filter(({ songs, left }) => left < songs);
    const [first] = lacking;
    if (first === undefined) return;
    try {
      if (await this.#grantAll(lacking)) return;
      // What these shards have themselves is given back as well.
      const isReclaimed = await this.#reclaim(first.epoch);
      if (isReclaimed && (await this.#grantAll(needs.map((need) => ({ ...need, left: 0 }))))) return;
    } catch (error) {
      throw failedReading(error); // whatever became of this, no song was added
    }
    throw Refusal.full(this.#maxSongs);
  }

  /** Gives whether there was room for all. */
  async #grantAll(needs: readonly Need[]): Promise<boolean> {
    const [first, ...rest] = needs;
    const altogether = needs.reduce((sum, { songs, left }) => sum + songs - left, 0);
    if (first === undefined || !(await this.#grant(first, altogether))) return first === undefined;
    let isThere = true;
    await eachOf(rest.length, WIDTH, async (at) => {
      const need = rest[at] as Need;
      if (!(await this.#grant(need, need.songs - need.left))) isThere = false;
    });
    return isThere;
  }

  /** Gives whether there was room, and in all shards for `altogether`. */
  async #grant({ shard, epoch, songs, left, granted }: Need, altogether: number): Promise<boolean> {
    const args = [shard, epoch, granted, songs - left, this.#maxSongs, altogether].map(String);
    const reply = (await this.#redis.onControl(TAKE, args)) as string;
    if (reply === "full") return false;
    if (reply === "lost") throw new NotDone("what was there has been lost");
    const [word, number] = reply.split(" ");
    if (word === "busy") await this.#control.endOther();
    else if (word === "ahead") await this.#control.raise(epoch);
    else if (word === "behind") {
      const clear = { kind: "clear", number: Number(number), epoch, kept: 0 } as const;
      await applyOperation(this.#redis, shard, clear);
    } else await this.#hand(shard, epoch, reply);
    return true; // in any case it can be tried again
  }

  async #hand(shard: number, epoch: number, granted: string): Promise<void> {
    this.#hasGranted = true;
    await this.#redis.onShard(shard, GRANT, [this.#redis.layout.keyOf(shard)], [String(epoch), granted]);
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
    await this.#redis.onControl(TAKE_BACK, [String(epoch), ...freed]);
    return true;
  }
}

/** Of a shard whose songs come in several pieces the needs are one: each of them has counted on the same room. */
function sumByShard(needs: readonly Need[]): Need[] {
  const sums = new Map<number, Need>();
  for (const need of needs) {
    const songs = need.songs + (sums.get(need.shard)?.songs ?? 0);
    sums.set(need.shard, { ...need, songs });
  }
  return [...sums.values()];
}
