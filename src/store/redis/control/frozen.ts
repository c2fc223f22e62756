import { type Control, PATIENCE } from "./control.ts";

/** Milliseconds until a frozen shard is looked at again. */
const PAUSE = 5;
/** Most of those that are remembered. */
const MOST = 16;

/** Shards to which nothing is added for now, because somebody clears all if nothing has changed. */
export class Frozen {
  readonly #control: Control;
  /** When it was first seen that somebody has frozen shards. */
  readonly #seen = new Map<number, number>();

  constructor(control: Control) {
    this.#control = control;
  }

  /** Waits a little; for one that takes too long the shards are made as they were. */
  async wait(shard: number, by: number): Promise<void> {
    const since = this.#seen.get(by) ?? performance.now();
    if (this.#seen.size >= MOST) this.#seen.clear();
    this.#seen.set(by, since);
    if (performance.now() - since < PATIENCE) await Bun.sleep(PAUSE);
    else await this.#control.recover(shard, by);
  }
}
