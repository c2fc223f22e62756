import { readCounts } from "./counts.ts";

/** The outcome of a request that plays songs, as far as its client knows. */
export type Outcome = "counted" | "refused" | "unknown";

/** A request that plays songs. */
export interface Play {
  path: string;
  songs: ReadonlyMap<string, number>;
  body?: string;
  key?: string;
}

/** The plays of a song: answered, possibly counted, and delivered to a fold job. */
interface SongRecord {
  acknowledged: number;
  unknown: number;
  delivered: number;
}

/** Maximum number of faults reported: further ones are of the same kind. */
const MAX_FAULTS = 10;

/** Records what the clients of a server know of its counts, and compares the counts with it. */
export class PlayLedger {
  /** Number of answers by status; 0 stands for no answer. */
  readonly answers: Map<number, number> = new Map();
  /** True while answers are ignored: an answer after the power is cut would not have reached the client. */
  isOff = false;
  readonly #songs = new Map<string, SongRecord>();
  readonly #faults: string[] = [];

  /** Returns the number of answers with one of these statuses. */
  count(...statuses: number[]): number {
    return statuses.reduce((sum, status) => sum + (this.answers.get(status) ?? 0), 0);
  }

  /** Sends a request that plays songs, records its outcome, and returns that with the text of the answer. */
  async send(url: string, play: Play): Promise<{ outcome: Outcome; text: string }> {
    const sent = await this.ask(url, play);
    this.note(play.songs, sent.outcome);
    return sent;
  }

  /** Sends a request that plays songs, without recording its outcome. */
  async ask(url: string, { path, body, key }: Play): Promise<{ outcome: Outcome; text: string }> {
    const headers = new Headers({ "content-type": "text/plain" });
    if (key !== undefined) headers.set("idempotency-key", key);
    // On a new connection: on a used one, fetch may retry by itself when that breaks.
    const init = { method: "POST", headers, body: body ?? null, keepalive: false };
    const answer = await fetch(url + path, init).catch(() => undefined);
    const text = (await answer?.text().catch(() => "")) ?? "";
    return { outcome: this.judge(answer, text), text };
  }

  /** Returns the outcome that an answer means. Records a fault if the answer is invalid. */
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
    if (status !== 500 || !answer?.headers.get("link")?.includes("UnknownOutcome"))
      this.fault(`${status} with the text ${JSON.stringify(text)}`);
    return "unknown";
  }

  /** Records the outcome of plays. */
  note(songs: ReadonlyMap<string, number>, outcome: Outcome): void {
    for (const [id, plays] of songs) {
      const known = this.#known(id);
      if (outcome === "counted") known.acknowledged += plays;
      if (outcome === "unknown") known.unknown += plays;
    }
  }

  /** Records that plays with an unknown outcome were counted. */
  settle(songs: ReadonlyMap<string, number>): void {
    for (const [id, plays] of songs) this.#known(id).unknown -= plays;
    this.note(songs, "counted");
  }

  /** Records the plays of an acknowledged fold, which the counts do not have. */
  deliver(fold: ReadonlyMap<string, number>): void {
    for (const [id, plays] of fold) this.#known(id).delivered += plays;
  }

  /** Records a fault of the server. */
  fault(what: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(what);
  }

  /** Returns the faults in the counts and answers of a server. Then takes these counts as acknowledged. */
  async faults(url: string): Promise<string[]> {
    const counts = await readAll(url);
    for (const id of new Set([...counts.keys(), ...this.#songs.keys()])) {
      const known = this.#known(id);
      const { acknowledged, unknown, delivered } = known;
      const count = (counts.get(id) ?? 0) + delivered;
      const [found, max] = [`${id.slice(0, 40)} has ${count}`, acknowledged + unknown];
      if (count < acknowledged) this.fault(`lost: ${found} of ${acknowledged} plays that were answered`);
      if (count > max) this.fault(`doubled: ${found} of at most ${max} plays`);
      known.acknowledged = count;
      known.unknown = 0;
    }
    return this.#faults.splice(0);
  }

  #known(id: string): SongRecord {
    const known = this.#songs.get(id) ?? { acknowledged: 0, unknown: 0, delivered: 0 };
    this.#songs.set(id, known);
    return known;
  }
}

/** Reads all counts, as soon as the server can. */
async function readAll(url: string): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const answer = await fetch(url);
    const text = await answer.text();
    if (answer.ok) return readCounts(text);
    if (answer.status !== 503) throw new Error(`GET / is answered ${answer.status}: ${text}`);
    await Bun.sleep(10);
  }
}
