/** What the clients know of a song. */
interface Song {
  /** Plays that were answered. */
  acknowledged: number;
  /** Those, and others that may have been counted. */
  sent: number;
  /** The highest number of plays that a page has shown. */
  seen: number;
}

/** Plays by song. */
export type Plays = ReadonlyMap<string, number>;

/** What all clients know together: how many plays there must be of each song, and how many there may be. */
export class Ledger {
  readonly #songs = new Map<string, Song>();
  /** The songs that were ever played. */
  readonly ids: string[] = [];
  /** All plays that were answered. */
  acknowledged = 0;
  /** All plays whose fate was unknown when the program was started again. */
  unknown = 0;

  /** Books plays that are sent now: they may be counted from here on. */
  send(plays: Plays): void {
    for (const [id, more] of plays) this.#song(id).sent += more;
  }

  /** Books plays that were sent, and are counted. */
  acknowledge(plays: Plays): void {
    for (const [id, more] of plays) {
      this.#song(id).acknowledged += more;
      this.acknowledged += more;
    }
  }

  /** Books plays that were sent, and are not counted. */
  refuse(plays: Plays): void {
    for (const [id, more] of plays) this.#song(id).sent -= more;
  }

  /** Books what a page has shown: there must never be fewer. */
  see(id: string, total: number): void {
    const song = this.#song(id);
    song.seen = Math.max(song.seen, total);
  }

  /** The fewest plays that there must be by now. */
  least(id: string): number {
    const song = this.#songs.get(id);
    return song === undefined ? 0 : Math.max(song.acknowledged, song.seen);
  }

  /** What is wrong about a song of which there are `total` plays, if anything is. */
  judge(id: string, total: number, least: number = this.least(id)): string | undefined {
    const { acknowledged, sent, seen } = this.#songs.get(id) ?? { acknowledged: 0, sent: 0, seen: 0 };
    if (total >= least && total <= sent) return undefined;
    const wrong = total < least ? `${least - total} lost` : `${total - sent} too many`;
    return `song ${id}: ${total} plays; ${acknowledged} were acknowledged, ${seen} seen, ${sent} sent: ${wrong}`;
  }

  /** Takes what there is as the truth, when no request is under way or will be sent again. */
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
