import { type CountStore, Refusal } from "../../src/mod.ts";
import type { Random } from "../support/random.ts";

/** A server: its workers. Any of them may get a request. */
export type Server = readonly CountStore[];

/** The answer to a request that was lost: it may have been executed or not. */
export const LOST: unique symbol = Symbol("lost");

/** Songs that are played. */
export const SONGS: readonly string[] = ["a", "b", "c", "d"];

/** A row of the database's table of songs. */
export interface Row {
  plays: number;
  fold: number;
}

/** Probabilities that the network loses a request or an answer, or delivers a request twice. */
const LOSES_REQUEST = 0.1;
const LOSES_ANSWER = 0.15;
const DELIVERS_TWICE = 0.05;

/**
 * The surroundings of the actors: servers, the network, the database, and the true counts, which no actor can
 * read.
 */
export class World {
  readonly random: Random;
  readonly servers: readonly Server[];
  /** Plays that were ever counted, each once. */
  readonly truth: Map<string, number> = new Map(SONGS.map((id) => [id, 0]));
  readonly rows: Map<string, Row> = new Map();
  /** The last fold done, as the database has it. */
  done = 0;
  /** The errors seen. */
  readonly wrong: string[] = [];
  /** Totals that pages have displayed, and those answered with 410. */
  displayed = 0;
  gone = 0;
  isCalm = false;
  /** Copies of requests that the network has yet to deliver. */
  readonly #late: (() => void)[] = [];

  constructor(random: Random, servers: readonly Server[]) {
    this.random = random;
    this.servers = servers;
  }

  /** The server that a song is on. */
  serverOf(id: string): Server {
    return this.servers[SONGS.indexOf(id) % this.servers.length] as Server;
  }

  /** Has one of a server's workers do something, unless the network loses it; what is refused is thrown. */
  request<T>(server: Server, act: (store: CountStore) => T): T | typeof LOST {
    const deliver = () => act(this.random.pick(server));
    if (this.isCalm) return deliver();
    if (this.random.chance(LOSES_REQUEST)) return LOST;
    if (this.random.chance(DELIVERS_TWICE)) this.#late.push(deliver);
    const answer = deliver();
    return this.random.chance(LOSES_ANSWER) ? LOST : answer;
  }

  /** Delivers a copy of an earlier request, if one is left. */
  deliverLate(): void {
    const [deliver] = this.#late.splice(this.random.below(this.#late.length), 1);
    try {
      deliver?.();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // its sender is not there any more to hear of it
    }
  }

  /** Notes that plays were counted. */
  count(id: string, plays: number): void {
    this.truth.set(id, this.truthOf(id) + plays);
  }

  truthOf(id: string): number {
    return this.truth.get(id) ?? 0;
  }

  rowOf(id: string): Row {
    return this.rows.get(id) ?? { plays: 0, fold: 0 };
  }
}
