import type { Random } from "../support/random.ts";
import type { Play, PlayLedger } from "../support/play-ledger.ts";

/** The last request of a client with keys, and the text of the reply, if any. */
interface Last {
  play: Play;
  answer: string | undefined;
}

/** Songs played by all clients. */
const SHARED = 50;

/** Share of single plays that go to new songs, and the length of their ids. */
interface NewSongs {
  share: number;
  length: number;
}

/** Clients that play songs: singly, in batches, and with keys. */
export class Players {
  readonly #ledger: PlayLedger;
  readonly #random: Random;
  readonly #newSongs: NewSongs;
  readonly #last = new Map<number, Last>();
  #requests = 0;

  constructor(ledger: PlayLedger, random: Random, newSongs: NewSongs = { share: 0.1, length: 60 }) {
    this.#ledger = ledger;
    this.#random = random;
    this.#newSongs = newSongs;
  }

  /** Plays as `clients` clients until `isOver`. A client stops at an unknown outcome. */
  async play(url: string, clients: number, isOver: () => boolean = () => false): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, client) => this.#playAs(client, url, isOver)));
  }

  /** Retries the last request of each client with keys: it must be counted once. */
  async retryKeyed(url: string): Promise<void> {
    await Promise.all(
      [...this.#last.values()].map(async (last) => {
        const { play, answer } = last;
        const { outcome, text } = await this.#ledger.ask(url, play);
        if (outcome !== "counted") this.#ledger.fault(`the retry of ${play.key} is ${outcome}: ${text}`);
        if (answer === undefined) this.#ledger.settle(play.songs);
        else if (text !== answer && play.songs.size === 1)
          this.#ledger.fault(`${play.key} was answered ${answer}, then ${text}`);
        last.answer = text;
      }),
    );
  }

  async #playAs(client: number, url: string, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const play = this.#next(client);
      const { outcome, text } = await this.#ledger.send(url, play);
      if (play.key !== undefined && outcome !== "refused")
        this.#last.set(client, { play, answer: outcome === "counted" ? text : undefined });
      if (outcome === "unknown") return;
      if (outcome === "refused") await Bun.sleep(5);
    }
  }

  /**
   * Returns a client's next request. Of eight clients two have keys and own songs, one sends batches, five
   * play singly.
   */
  #next(client: number): Play {
    const number = ++this.#requests;
    const key = `"client-${client}:${number}"`;
    const own = (song: number) => `own-${client}-${song}`;
    if (client % 8 === 1) return { ...single(own(number % 5)), key };
    if (client % 8 === 2) return { ...batch(Array.from({ length: 4 }, (_, song) => own(song))), key };
    if (client % 8 === 3) return batch(Array.from({ length: 6 }, () => this.#shared()));
    const { share, length } = this.#newSongs;
    return single(this.#random.chance(share) ? `new-${number}-`.padEnd(length, "x") : this.#shared());
  }

  #shared(): string {
    return `song-${this.#random.below(SHARED)}`;
  }
}

/** Returns a request that plays one song once. */
export function single(id: string): Play {
  return { path: `song/${id}`, songs: new Map([[id, 1]]) };
}

function batch(ids: readonly string[]): Play {
  const songs = new Map<string, number>();
  for (const id of ids) songs.set(id, (songs.get(id) ?? 0) + 1);
  return { path: "batch", songs, body: Array.from(songs, (pair) => pair.join("=")).join(",") };
}
