import { type Play, PlayLedger } from "../../../support/play-ledger.ts";
import { type Fate, Interposer, mayCount } from "./interposer.ts";
import { endWell, healthy, serve } from "./playcounts.ts";
import { RedisServer } from "./redis-server.ts";

/** Number of shards. */
export const SHARDS = 16;

/** A playcount with an interposer in front of its Redis. */
export class Interposed {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly interposer: Interposer;
  readonly #server: Awaited<ReturnType<typeof serve>>;
  #requests = 0;

  private constructor(interposer: Interposer, server: Awaited<ReturnType<typeof serve>>) {
    this.interposer = interposer;
    this.#server = server;
  }

  /**
   * Starts a server and plays once. So scripts are loaded and songs exist, and later plays take no other
   * commands.
   */
  static async start(plays: readonly Play[]): Promise<Interposed> {
    const redis = await RedisServer.start();
    const interposer = await Interposer.start(redis.port);
    const server = await serve(interposer.url, "--shards", String(SHARDS), "--store-timeout", "200");
    const interposed = new Interposed(interposer, server);
    for (const play of plays) await interposed.untilCounted(interposed.keyed(play));
    return interposed;
  }

  get url(): string {
    return this.#server.url;
  }

  /** Returns the play as the next request of a writer. */
  keyed(play: Play): Play {
    return { ...play, key: `"writer:${++this.#requests}"` };
  }

  /** Calls `ask` while the `n`-th of its commands has this fate. */
  async with<T>(n: number, fate: Fate, ask: () => Promise<T>): Promise<T> {
    let commands = 0;
    this.interposer.fate = (words) => (mayCount(words) && ++commands === n ? fate : "well");
    const answer = await ask();
    this.interposer.fate = () => "well";
    return answer;
  }

  /** Sends a request until it is counted, and notes it in the ledger. */
  async untilCounted(play: Play): Promise<void> {
    while ((await this.ledger.ask(this.url, play)).outcome !== "counted") await Bun.sleep(10);
    this.ledger.note(play.songs, "counted");
  }

  healthy(): Promise<void> {
    return healthy(this.url);
  }

  faults(): Promise<string[]> {
    return this.ledger.faults(this.url);
  }

  async end(): Promise<void> {
    await endWell([this.#server]);
  }
}
