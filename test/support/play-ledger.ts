import { readCounts } from "./counts.ts";

/** What became of a request that plays songs, as far as its client can tell. */
export type Outcome = "counted" | "refused" | "unknown";

/** A request that plays songs. */
export interface Play {
  path: string;
  songs: ReadonlyMap<string, number>;
  body?: string;
  key?: string;
}

/** What is known of a song: its plays that were answered, those that may have been counted, those that a fold job has. */
interface Known {
  acknowledged: number;
  unknown: number;
  delivered: number;
}

/** Faults that are told: the others would be of the same kind. */
const MOST_FAULTS = 10;

/** What the clients of a server know of its counts, to which these are held when it has come back. */
export class PlayLedger {
  /** How many answers there were of each status; 0 stands for none. */
  readonly answers: Map<number, number> = new Map();
  /** Set while no answer counts: one that comes when the power is off would have reached nobody. */
  isOff = false;
  readonly #songs = new Map<string, Known>();
  readonly #faults: string[] = [];

  /** How many answers had one of these statuses. */
  count(...statuses: number[]): number {
    return statuses.reduce((sum, status) => sum + (this.answers.get(status) ?? 0), 0);
  }

  /** Sends a request that plays songs, and notes what became of it; gives the text of its answer as well. */
  async send(url: string, play: Play): Promise<{ outcome: Outcome; text: string }> {
    const sent = await this.ask(url, play);
    this.note(play.songs, sent.outcome);
    return sent;
  }

  /** The same, noted by whoever asks. */
  async ask(url: string, { path, body, key }: Play): Promise<{ outcome: Outcome; text: string }> {
    const headers = new Headers({ "content-type": "text/plain" });
    if (key !== undefined) headers.set("idempotency-key", key);
    // Over a connection of its own: on one that was used before, a fetch may send again by itself when that breaks.
    const init = { method: "POST", headers, body: body ?? null, keepalive: false };
    const answer = await fetch(url + path, init).catch(() => undefined);
    const text = (await answer?.text().catch(() => "")) ?? "";
    return { outcome: this.judge(answer, text), text };
  }

  /** What an answer says of its request. One that breaks the rules is a fault of the server. */
  judge(answer: Response | undefined, text: string): Outcome {
    const status = answer?.status ?? 0;
    this.answers.set(status, this.count(status) + 1);
    if (status === 0 || this.isOff) return "unknown";
    if (status === 200 || status === 201) return "counted";
    if (status >= 400 && status < 500) return "refused";
    if (status === 503) {
      if (!/^\d+$/.test(answer?.headers.get("retry-after") ?? "")) this.fault("503 without Retry-After");
      return "refused";
    }
    if (status !== 500 || !/not known/.test(text)) this.fault(`${status} that says ${JSON.stringify(text)}`);
    return "unknown";
  }

  /** Notes what became of plays. */
  note(songs: ReadonlyMap<string, number>, outcome: Outcome): void {
    for (const [id, plays] of songs) {
      const known = this.#known(id);
      if (outcome === "counted") known.acknowledged += plays;
      if (outcome === "unknown") known.unknown += plays;
    }
  }

  /** Notes that plays that were unknown are counted. */
  settle(songs: ReadonlyMap<string, number>): void {
    for (const [id, plays] of songs) this.#known(id).unknown -= plays;
    this.note(songs, "counted");
  }

  /** Notes the plays of a fold that was acknowledged: no count has them any more. */
  deliver(fold: ReadonlyMap<string, number>): void {
    for (const [id, plays] of fold) this.#known(id).delivered += plays;
  }

  /** Notes something that a server must not do. */
  fault(what: string): void {
    if (this.#faults.length < MOST_FAULTS) this.#faults.push(what);
  }

  /** What is wrong with the counts of a server, and was with its answers; takes these counts as acknowledged then. */
  async faults(url: string): Promise<string[]> {
    const counts = readCounts(await (await fetch(url)).text());
    for (const id of new Set([...counts.keys(), ...this.#songs.keys()])) {
      const known = this.#known(id);
      const { acknowledged, unknown, delivered } = known;
      const count = (counts.get(id) ?? 0) + delivered;
      const [what, most] = [`${id.slice(0, 40)} has ${count}`, acknowledged + unknown];
      if (count < acknowledged) this.fault(`lost: ${what} of ${acknowledged} plays that were answered`);
      if (count > most) this.fault(`doubled: ${what}, and there were ${most} plays at most`);
      known.acknowledged = count;
      known.unknown = 0;
    }
    return this.#faults.splice(0);
  }

  #known(id: string): Known {
    const known = this.#songs.get(id) ?? { acknowledged: 0, unknown: 0, delivered: 0 };
    this.#songs.set(id, known);
    return known;
  }
}
