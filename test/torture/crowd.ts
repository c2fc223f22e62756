import { Random } from "../support/random.ts";
import { type Again, Client } from "./client.ts";
import { Http } from "./http.ts";
import { Job } from "./job.ts";
import type { Kind } from "./plays.ts";
import { Reader } from "./reader.ts";
import type { World } from "./world.ts";

/** All that are at it at once. */
export interface Load {
  /** To be set when nobody is to begin anything more. */
  isOver: boolean;
  /** Comes when nobody does anything any more, as the program is no more, say. */
  done: Promise<unknown>;
}

/** One that does something through a connection, and tells whether it can go on. */
type Act = (http: Http) => Promise<boolean>;

/** The clients, half of which send keys, the pages, and the batch job. */
export class Crowd {
  readonly #world: World;
  readonly #clients: readonly Client[];
  readonly #readers: readonly Reader[];
  readonly #random: Random;
  readonly job: Job;

  constructor(world: World, clients: number, seed: number, again: Again) {
    this.#world = world;
    this.#random = new Random("crowd", seed);
    this.#clients = Array.from({ length: clients }, (_, n) => {
      const kind: Kind = n % 4 < 3 ? "songs" : "batches";
      const writer = n % 8 < 4 && again !== "without a key" ? `writer-${n}` : undefined;
      return new Client(world, kind, new Random(`client ${n}`, seed), writer, again);
    });
    this.#readers = [0, 1].map((n) => new Reader(world, new Random(`reader ${n}`, seed)));
    this.job = new Job(world, new Random("job", seed));
  }

  /** Finishes what was under way when the program was killed. */
  async catchUp(url: string): Promise<void> {
    await Promise.all(
      [this.job, ...this.#clients].map(async (one) => {
        const http = await Http.to(url);
        if (http !== undefined) await one.catchUp(http);
        http?.close();
      }),
    );
  }

  /** Looks at all counts. */
  async check(url: string): Promise<void> {
    const http = await Http.to(url);
    if (http !== undefined) await this.#world.check(http);
    else this.#world.findings.push("no connection is taken");
    http?.close();
  }

  /** Everybody plays, reads and folds; the batch job in a hurry, if it is to be killed at that. */
  play(url: string, isFoldedFast: boolean): Load {
    const load: Load = { isOver: false, done: Promise.resolve() };
    const fold: Act = async (http) => {
      if (!isFoldedFast) await Bun.sleep(this.#random.below(20));
      return await this.job.step(http);
    };
    const acts: Act[] = [
      ...this.#clients.map(
        (client): Act =>
          (http) =>
            client.play(http),
      ),
      ...this.#readers.map(
        (reader): Act =>
          (http) =>
            reader.look(http),
      ),
      fold,
    ];
    load.done = this.#all(url, load, acts);
    return load;
  }

  /** Some play so many songs that there is something to do behind the commits for a while. */
  playMany(url: string): Load {
    const load: Load = { isOver: false, done: Promise.resolve() };
    const acts = this.#clients.map((client, n): Act => {
      return (http) => client.play(http, n % 8 === 0 ? "long batches" : undefined);
    });
    load.done = this.#all(url, load, acts);
    return load;
  }

  /** Goes on until it is over, the program is no more, or something is wrong. */
  async #all(url: string, load: Load, acts: readonly Act[]): Promise<void> {
    await Promise.all(
      acts.map(async (act) => {
        const http = await Http.to(url);
        if (http === undefined) return;
        while (!load.isOver && this.#world.findings.length === 0 && (await act(http)));
        http.close();
      }),
    );
  }
}
