/** The clients' knowledge of a song. */
interface Song {
  /** Plays that the program has acknowledged. */
  acknowledged: number;
  /** Those, and plays that may have been counted. */
  sent: number;
  /** The most plays that a page has shown. */
  seen: number;
}

/** Plays by song. */
export type Plays = ReadonlyMap<string, number>;

/** The knowledge of all clients: the fewest and the most plays that each song may have. */
export class Ledger {
  readonly #songs = new Map<string, Song>();
  /** All songs ever played. */
  readonly ids: string[] = [];
  /** All acknowledged plays. */
  acknowledged = 0;
  /** All plays whose outcome was unknown after a restart. */
  unknown = 0;

  /** Records plays that are sent now, and may be counted from here on. */
  send(plays: Plays): void {
    for (const [id, more] of plays) this.#song(id).sent += more;
  }

  /** Records that sent plays are counted. */
  acknowledge(plays: Plays): void {
    for (const [id, more] of plays) {
      this.#song(id).acknowledged += more;
      this.acknowledged += more;
    }
  }

  /** Records that sent plays are not counted. */
  refuse(plays: Plays): void {
    for (const [id, more] of plays) this.#song(id).sent -= more;
  }

  /** Records plays that a page has shown: there must never be fewer. */
  see(id: string, total: number): void {
    const song = this.#song(id);
    song.seen = Math.max(song.seen, total);
  }

  /** Returns the fewest plays that a song may have now. */
  least(id: string): number {
    const song = this.#songs.get(id);
    return song === undefined ? 0 : Math.max(song.acknowledged, song.seen);
  }

  /** Returns the fault of a song with `total` plays, if any. */
  judge(id: string, total: number, least: number = this.least(id)): string | undefined {
    const { acknowledged, sent, seen } = this.#songs.get(id) ?? { acknowledged: 0, sent: 0, seen: 0 };
    if (total >= least && total <= sent) return undefined;
    const wrong = total < least ? `${least - total} lost` : `${total - sent} too many`;
    return `song ${id}: ${total} plays; ${acknowledged} were acknowledged, ${seen} seen, ${sent} sent: ${wrong}`;
  }

  /** Accepts the current plays as acknowledged, while no request is under way or to be retried. */
  settle(totalOf: (id: string) => number): void {
    for (const [id, song] of this.#songs) {
      const total = totalOf(id);
      this.unknown += Math.max(0, song.sent - song.acknowledged);
      this.#songs.set(id, { acknowledged: total, sent: total, seen: total });
    }
  }

  #song(id: string): Song {
    const song = this.#songs.get(id);
    if (song !== undefined) return song;
    const made: Song = { acknowledged: 0, sent: 0, seen: 0 };
    this.#songs.set(id, made);
    this.ids.push(id);
    return made;
  }
}
