import { Random } from "../support/random.ts";
import { type Again, Client } from "./client.ts";
import { Http } from "./http.ts";
import { Job } from "./job.ts";
import type { Kind } from "./plays.ts";
import { Reader } from "./reader.ts";
import type { World } from "./world.ts";

/** A load of requests. */
export interface Load {
  /** Set it to end the load after the requests under way. */
  isOver: boolean;
  /** Resolves when all have ended, also because the program has ended. */
  done: Promise<unknown>;
}

/** Does one thing through a connection, and returns true to continue. */
type Act = (http: Http) => Promise<boolean>;

/** The clients, half of them with keys, two readers, and the job. */
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

  /** Retries the requests that were under way when the program was killed. */
  async catchUp(url: string): Promise<void> {
    await Promise.all(
      [this.job, ...this.#clients].map(async (one) => {
        const http = await Http.to(url);
        if (http !== undefined) await one.catchUp(http);
        http?.close();
      }),
    );
  }

  /** Checks all counts. */
  async check(url: string): Promise<void> {
    const http = await Http.to(url);
    if (http !== undefined) await this.#world.check(http);
    else this.#world.findings.push("the program accepts no connection");
    http?.close();
  }

  /** Plays, reads and hands over. The job runs without pauses if `isFoldedFast`. */
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

  /** Plays enough songs to leave background work for a while. */
  playMany(url: string): Load {
    const load: Load = { isOver: false, done: Promise.resolve() };
    const acts = this.#clients.map((client, n): Act => {
      return (http) => client.play(http, n % 8 === 0 ? "long batches" : undefined);
    });
    load.done = this.#all(url, load, acts);
    return load;
  }

  /** Runs all acts until the load is over, the program has ended, or there is a finding. */
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
