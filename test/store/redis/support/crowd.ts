import type { Random } from "../../../support/random.ts";
import type { Play, PlayLedger } from "../../../support/play-ledger.ts";
import type { Table } from "../../../torture/table.ts";
import { inTime } from "./until.ts";

/** Songs that all play, and those that each client with keys plays alone. */
const [SHARED, OWN] = [30, 6];

/** So long, in milliseconds, a client waits that was refused, or does not know. */
const PAUSE_MS = 20;

/** Who plays, where, and what they know. */
interface Options {
  ledger: PlayLedger;
  random: Random;
  /** The servers, as they are now. */
  urls: () => readonly string[];
  /** The database of the batch job, if there is one. */
  table?: Table;
  /** Whether a play that was answered may be lost: pages are not held to what was answered then. */
  mayLose?: boolean;
}

/** Clients of several servers: some send each request once, others send it again under its key until it is counted. */
export class Crowd {
  readonly #options: Options;
  /** How often each song was played that one client alone plays, and only with keys. */
  readonly #exact = new Map<string, number>();
  #requests = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** So many clients play until `isOver`, and until all that have keys know that their plays are counted. */
  async play(clients: number, isOver: () => boolean): Promise<void> {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        while (!isOver()) await (client % 2 === 0 ? this.#once(client) : this.#keyed(client));
      }),
    );
  }

  /** Plays until so many more requests were counted. */
  async playMore(clients: number, counted: number): Promise<void> {
    const enough = this.#options.ledger.count(200) + counted;
    await this.play(clients, () => this.#options.ledger.count(200) >= enough);
  }

  /** Each plays without keys until `isOver`, whatever comes of it. */
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
    if (random.chance(0.2) && play.songs.size === 1) await this.#again(play, text);
    await this.#look(random.pick([...play.songs.keys()]));
  }

  /** Sends a request until it is counted; gives what was answered, if it was not refused for good. */
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

  /** Sends a request again that was answered, to another server perhaps. */
  async #again(play: Play, text: string): Promise<void> {
    const { ledger, mayLose } = this.#options;
    const { outcome, text: now } = await ledger.ask(this.#url(), play);
    if (outcome === "counted" && now !== text && mayLose !== true)
      ledger.fault(`${play.key} was answered ${text}, and then ${now}`);
  }

  /** Looks at a song as a page does: the row of the database, and what was counted since. */
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

/** A request that plays one song once. */
export function single(id: string): Play {
  return { path: `song/${id}`, songs: new Map([[id, 1]]) };
}

/** A request that plays songs, each as often as it is named. */
export function batch(ids: readonly string[]): Play {
  const songs = new Map<string, number>();
  for (const id of ids) songs.set(id, (songs.get(id) ?? 0) + 1);
  return { path: "batch", songs, body: Array.from(songs, (pair) => pair.join("=")).join(",") };
}
