import type { Random } from "../../../support/random.ts";
import type { Play, PlayLedger } from "../../../support/play-ledger.ts";
import type { Table } from "../../../torture/table.ts";
import { inTime } from "./until.ts";

/** Number of songs that all clients play, and of the songs that each client with keys has for itself. */
const [SHARED, OWN] = [30, 6];

/** Delay of a client after a refusal or an unknown outcome. */
const PAUSE_MS = 20;

interface Options {
  ledger: PlayLedger;
  random: Random;
  /** Returns the current servers. */
  urls: () => readonly string[];
  /** The database of the batch job, if there is one. */
  table?: Table;
  /** True if answered plays may be lost. Counts on pages are not checked then. */
  mayLose?: boolean;
}

/**
 * Clients of several servers: some send each request once, others retry it under its key until it is counted.
 */
export class Crowd {
  readonly #options: Options;
  /** Plays of each song that only one client plays, always with keys. */
  readonly #exact = new Map<string, number>();
  #requests = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Plays with a number of clients until `isOver`, and until all plays with keys are counted. */
  async play(clients: number, isOver: () => boolean): Promise<void> {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        while (!isOver()) await (client % 2 === 0 ? this.#once(client) : this.#keyed(client));
      }),
    );
  }

  /** Plays until `counted` more requests were counted. */
  async playMore(clients: number, counted: number): Promise<void> {
    const enough = this.#options.ledger.count(200) + counted;
    await this.play(clients, () => this.#options.ledger.count(200) >= enough);
  }

  /** Plays without keys until `isOver`, with any outcome. */
  async playOnce(clients: number, isOver: () => boolean): Promise<void> {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        while (!isOver()) await this.#once(2 * client);
      }),
    );
  }

  async #once(client: number): Promise<void> {
    const { ledger, random } = this.#options;
    const number = ++this.#requests;
    const shared = () => `song-${random.below(SHARED)}`;
    const some = () => [...Array.from({ length: 6 }, shared), `new-${number}`];
    const play = client % 4 === 0 ? single(random.chance(0.2) ? `new-${number}` : shared()) : batch(some());
    const { outcome } = await inTime(`an answer to ${play.path}`, ledger.send(this.#url(), play));
    if (outcome !== "counted") await Bun.sleep(PAUSE_MS);
  }

  async #keyed(client: number): Promise<void> {
    const { ledger, random } = this.#options;
    const own = (song: number) => `own-${client}-${song}`;
    const songs = Array.from({ length: 1 + random.below(OWN) }, (_, song) => own(song));
    const key = `"client-${client}:${++this.#requests}"`;
    const play = { ...(client % 4 === 1 ? single(own(random.below(OWN))) : batch(songs)), key };
    const text = await inTime(`${key} is counted`, this.#untilCounted(play));
    if (text === undefined) return;
    ledger.note(play.songs, "counted");
    for (const [id, plays] of play.songs) this.#exact.set(id, (this.#exact.get(id) ?? 0) + plays);
    if (random.chance(0.2)) await this.#again(play, text);
    await this.#look(random.pick([...play.songs.keys()]));
  }

  /** Sends a request until it is counted. Returns its answer, or `undefined` after a final refusal. */
  async #untilCounted(play: Play): Promise<string | undefined> {
    for (;;) {
      const { outcome, text } = await this.#options.ledger.ask(this.#url(), play);
      if (outcome === "counted") return text;
      if (outcome === "refused" && !text.startsWith("Service Unavailable")) {
        this.#options.ledger.fault(`${play.key} was refused: ${text}`);
        return undefined;
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  /** Sends an answered request again, perhaps to another server. A batch gets the counts of then. */
  async #again(play: Play, text: string): Promise<void> {
    const { ledger, mayLose } = this.#options;
    const { outcome, text: now } = await ledger.ask(this.#url(), play);
    if (outcome === "counted" && now !== text && play.path !== "batch" && mayLose !== true)
      ledger.fault(`${play.key} was answered ${text}, and then ${now}`);
  }

  /** Reads a song as a page does: the row of the database plus the count since then. */
  async #look(id: string): Promise<void> {
    const { ledger, table, mayLose } = this.#options;
    if (mayLose === true) return;
    const [row, done] = [table?.playsOf(id) ?? 0, table?.done ?? 0];
    const answer = await fetch(`${this.#url()}song/${id}?after=${done}`).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer === undefined || text === undefined || answer.status === 503) return;
    if (answer.status === 410 && table !== undefined && table.done > done) return;
    if (answer.status !== 200) return ledger.fault(`a page was answered ${answer.status}: ${text}`);
    const total = row + Number(text);
    if (total !== this.#exact.get(id))
      ledger.fault(
        `a page shows ${total} plays of ${id}, of ${this.#exact.get(id)}: ${row} and ${text} after ${done}`,
      );
  }

  #url(): string {
    return this.#options.random.pick(this.#options.urls());
  }
}

/** Returns a request that plays one song once. */
export function single(id: string): Play {
  return { path: `song/${id}`, songs: new Map([[id, 1]]) };
}

/** Returns a batch that plays each song as often as it is named. */
export function batch(ids: readonly string[]): Play {
  const songs = new Map<string, number>();
  for (const id of ids) songs.set(id, (songs.get(id) ?? 0) + 1);
  return { path: "batch", songs, body: Array.from(songs, (pair) => pair.join("=")).join(",") };
}
