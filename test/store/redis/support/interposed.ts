import { type Play, PlayLedger } from "../../../support/play-ledger.ts";
import { type Fate, Interposer, mayCount } from "./interposer.ts";
import { endWell, healthy, serve } from "./playcounts.ts";
import { RedisServer } from "./redis-server.ts";

/** How many shards its songs are in. */
export const SHARDS = 16;

/** A playcount, of whose commands each may have a fate of its own. */
export class Interposed {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly interposer: Interposer;
  readonly #server: Awaited<ReturnType<typeof serve>>;
  #requests = 0;

  private constructor(interposer: Interposer, server: Awaited<ReturnType<typeof serve>>) {
    this.interposer = interposer;
    this.#server = server;
  }

  /** Starts one, and plays: scripts are known then, and songs have room, so that these take no other commands. */
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

  /** The same as the next request of a writer. */
  keyed(play: Play): Play {
    return { ...play, key: `"writer:${++this.#requests}"` };
  }

  /** Asks for something; of the commands that are behind it the `n`-th one has this fate. */
  async with<T>(n: number, fate: Fate, ask: () => Promise<T>): Promise<T> {
    let commands = 0;
    this.interposer.fate = (words) => (mayCount(words) && ++commands === n ? fate : "well");
    const answer = await ask();
    this.interposer.fate = () => "well";
    return answer;
  }

  /** Sends a request again until it is counted, and notes that it is. */
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
