import { Random } from "../support/random.ts";
import type { HttpAnswer, Http } from "./http.ts";
import { choose, type Kind, type Play } from "./plays.ts";
import type { World } from "./world.ts";

/** The way a client retries a play with an unknown outcome, after a restart of the program. */
export type Again = "under its key" | "without a key" | "under another key";

/** A client that plays songs, and remembers across kills its request to retry. */
export class Client {
  readonly #world: World;
  readonly #kind: Kind;
  readonly #writer: string | undefined;
  readonly #again: Again;
  readonly #random: Random;
  #seq = 0;
  /** The request without a reply, which is retried until it has one. */
  #pending: Play | undefined;
  /** The last request with a reply. */
  #last: { play: Play; body: string } | undefined;

  /** Sends keys if `writer` is given. */
  constructor(world: World, kind: Kind, random: Random, writer: string | undefined, again: Again) {
    this.#world = world;
    this.#kind = kind;
    this.#writer = writer;
    this.#again = again;
    this.#random = random;
  }

  /** Retries the request without a reply; otherwise the last one, which must get the same reply. */
  async catchUp(http: Http): Promise<void> {
    if (this.#pending !== undefined) {
      this.#world.happened.retries++;
      await this.#send(http, this.#changed(this.#pending));
    } else if (this.#last !== undefined) {
      const { play, body } = this.#last;
      const answer = await http.ask("POST", play.path, play);
      if (answer !== undefined && (answer.status !== 200 || answer.body !== body))
        this.#world.findings.push(`${play.key} was answered ${body}, now ${JSON.stringify(answer)}`);
    }
  }

  /** Plays one song or batch. Returns true if it was counted. */
  async play(http: Http, kind: Kind = this.#kind): Promise<boolean> {
    if (this.#pending !== undefined) return false; // it has to catch up first
    const key = this.#writer === undefined ? undefined : `"${this.#writer}:${++this.#seq}"`;
    const play = choose(kind, this.#random, key);
    this.#world.ledger.send(play.plays);
    return await this.#send(http, play);
  }

  async #send(http: Http, play: Play): Promise<boolean> {
    if (this.#writer !== undefined || this.#again === "without a key") this.#pending = play;
    const answer = await http.ask("POST", play.path, play);
    if (answer === undefined) return false;
    this.#pending = undefined;
    if (answer.status === 200) {
      this.#world.ledger.acknowledge(play.plays);
      if (this.#writer !== undefined) this.#last = { play, body: answer.body };
      return true;
    }
    this.#refused(play, answer);
    return false;
  }

  /** Only a stopping program may refuse. */
  #refused(play: Play, answer: HttpAnswer): void {
    this.#world.ledger.refuse(play.plays);
    if (answer.status === 503 && this.#world.isStopping) return;
    this.#world.findings.push(`POST ${play.path} was answered ${JSON.stringify(answer)}`);
  }

  #changed(play: Play): Play {
    if (this.#again === "without a key") return { ...play, key: undefined };
    if (this.#again === "under another key") return { ...play, key: `"${this.#writer}:${++this.#seq}"` };
    return play;
  }
}
