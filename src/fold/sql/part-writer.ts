import { quoted } from "../../error-message.ts";
import type { UnknownPolicy } from "../defaults.ts";
import type { SongPlays } from "../songs.ts";
import { type FoldToStore, JobRefusal } from "../target.ts";
import { addPlays, without } from "./add-plays.ts";
import type { SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";
import { inHalves, type NotStored } from "./halves.ts";

const utf8 = new TextEncoder();

/**
 * Songs of playcount_unknown that are moved with one fold. Others follow with the next one. Ids of 512
 * control characters are 15 MB as JSON then; MariaDB takes statements of up to 16 MiB.
 */
const MAX_KEPT = 5000;

/** Slices of them that the database may refuse. They are tried with each fold. */
const MAX_REFUSED_KEPT = 100;

/** Statements without an effect, each of which needs another right. */
const REHEARSAL = [
  "INSERT INTO playcount_fold (name, fold) SELECT name, fold FROM playcount_fold WHERE 1 = 0",
  "UPDATE playcount_fold SET sealed = 0, upto = '', servers = '', done_at = NULL WHERE 1 = 0",
  "INSERT INTO playcount_unknown (name, id, plays) SELECT name, id, plays FROM playcount_unknown WHERE 1 = 0",
  "UPDATE playcount_unknown SET plays = 0 WHERE 1 = 0",
  "DELETE FROM playcount_unknown WHERE 1 = 0",
];

/** Writes songs in a transaction. */
export class PartWriter {
  readonly #database: Database;
  readonly #policy: UnknownPolicy;
  readonly #isTrial: boolean;

  /** A trial writes nothing to tables of the job, which may be missing. */
  constructor(database: Database, policy: UnknownPolicy, isTrial: boolean) {
    this.#database = database;
    this.#policy = policy;
    this.#isTrial = isTrial;
  }

  /** Executes all statements without songs. Fails if a right is missing. */
  async rehearse(tx: SqlRunner): Promise<void> {
    await addPlays(this.#database, tx, []);
    if (this.#policy === "insert") await this.#addNew(tx, []);
    if (this.#isTrial) return;
    await this.#record(tx, [], 0, 0);
    await this.addKept(tx, 0);
    await this.#moveKept(tx, []);
    for (const statement of REHEARSAL) await this.#database.run(tx, statement);
  }

  /**
   * Writes a part of a fold. Returns the songs that are set aside, how many of them are kept, and true if
   * one of these had never been before.
   */
  async write(
    tx: SqlRunner,
    songs: SongPlays,
    { fold, sealedAt }: FoldToStore,
  ): Promise<[setAside: SongPlays, kept: number, isNew: boolean]> {
    checkLengths(songs, this.#database.dialect.maxIdBytes);
    if (!this.#isTrial) await this.#record(tx, songs, fold, sealedAt);
    const possible = songs.filter(([id]) => this.#database.song.fits(id));
    const { missing, untried } = await this.#add(tx, possible);
    const setAside = without(songs, without(possible, [...missing, ...untried]));
    const kept = this.#policy === "drop" ? untried : setAside;
    const isNew = kept.length > 0 && (this.#isTrial || (await this.#keep(tx, kept)));
    return [setAside, kept.length, isNew];
  }

  /** Adds plays to rows, and inserts rows if the job does. */
  async #add(tx: SqlRunner, rows: SongPlays, source?: string, maxRefusals?: number): Promise<NotStored> {
    const add = (some: SongPlays) => addPlays(this.#database, tx, some, source);
    const updated = await inHalves(this.#database, tx, rows, add, maxRefusals);
    if (this.#policy !== "insert" || updated.missing.length === 0) return updated;
    const addNew = (some: SongPlays) => this.#addNew(tx, some, source);
    const { missing, untried } = await inHalves(this.#database, tx, updated.missing, addNew, maxRefusals);
    return { missing, untried: [...updated.untried, ...untried] };
  }

  /**
   * Moves the plays of at most `max` unknown songs that have a row by now, or get one. Begins with any of
   * them, so that those which the database refuses do not stand before others for ever.
   */
  async addKept(tx: SqlRunner, max: number = MAX_KEPT): Promise<void> {
    const { name, table, song, dialect } = this.#database;
    const hasRow = `EXISTS (SELECT 1 FROM ${table} s WHERE ${this.#database.isRowOf("k")})`;
    const where = `k.name = ${name}${this.#policy === "insert" ? "" : ` AND ${hasRow}`}`;
    const found = await this.#database.run(
      tx,
      `SELECT k.id AS id FROM playcount_unknown k WHERE ${where} ORDER BY ${dialect.random} LIMIT ${max}`,
    );
    const ids = found.map(({ id }) => String(id)).filter((id) => song.fits(id));
    ids.sort(); // as other writers lock rows
    ids.push(...ids.splice(0, Math.floor(Math.random() * ids.length)));
    if (ids.length > 0)
      await this.#moveKept(
        tx,
        ids.map((id) => [id, 0]),
      );
  }

  /** Adds the plays of kept songs to their rows. */
  async #moveKept(tx: SqlRunner, kept: SongPlays): Promise<void> {
    const { name, songs, dialect } = this.#database;
    // The sums stay in the database: a double cannot have all of them.
    // A join could read all songs for each sum.
    const sum = `SELECT k.plays FROM playcount_unknown k WHERE k.name = ${name} AND k.id = f.id`;
    const sums = `SELECT f.id, coalesce((${sum}), 0) AS plays FROM ${songs}`;
    const source = `(${sums}) AS f`;
    const { missing, untried } = await this.#add(tx, kept, source, MAX_REFUSED_KEPT);
    const added = without(kept, [...missing, ...untried]);
    await this.#database.run(tx, `${dialect.deletion(songs)} ${name}`, added);
  }

  /**
   * Inserts rows that are missing, as far as no unique key is in the way, and adds plays to them. Returns the
   * songs without a row, or `undefined` if the database has changed an id.
   */
  async #addNew(tx: SqlRunner, rows: SongPlays, source?: string): Promise<SongPlays | undefined> {
    const inserted = await this.#insert(tx, rows);
    const missing = await addPlays(this.#database, tx, rows, source);
    return inserted <= rows.length - missing.length ? missing : undefined;
  }

  /** Inserts rows without plays. Returns their number. */
  async #insert(tx: SqlRunner, rows: SongPlays): Promise<number> {
    const { song, table, songs, dialect } = this.#database;
    const [begin, end] = dialect.insertion;
    const select = `SELECT ${dialect.typed(song, "f.id")}, 0 FROM ${songs} WHERE true`;
    const statement = `${begin} INTO ${table} (${song.idName}, ${song.playsName}) ${select}${end}`;
    const { affectedRows, count } = await this.#database.run(tx, statement, rows);
    return affectedRows ?? count ?? 0;
  }

  /** Adds plays to the rows of unknown songs. Returns true if a song is new there. */
  async #keep(tx: SqlRunner, rows: SongPlays): Promise<boolean> {
    const { name, songs, dialect } = this.#database;
    const isKept = `SELECT 1 FROM playcount_unknown k WHERE k.name = ${name} AND k.id = f.id`;
    const select = `SELECT 1 FROM ${songs} WHERE NOT EXISTS (${isKept}) LIMIT 1`;
    const [found] = await this.#database.run(tx, select, rows);
    const insert = `INSERT INTO playcount_unknown (name, id, plays) SELECT ${name}, f.id, f.plays FROM ${songs} WHERE true`;
    await this.#database.run(tx, `${insert} ${dialect.orAdd}`, rows);
    return found !== undefined;
  }

  /** Appends to the table of the history, if the job has one. */
  async #record(tx: SqlRunner, rows: SongPlays, fold: number, sealedAt: number): Promise<void> {
    const { history, songs, dialect } = this.#database;
    if (history === undefined) return;
    const values = `f.id, f.plays, ${fold}, ${dialect.time(new Date(sealedAt))}`;
    const statement = `INSERT INTO ${history} (id, plays, fold, sealed_at) SELECT ${values} FROM ${songs}`;
    await this.#database.run(tx, statement, rows);
  }
}

/** @throws {JobRefusal} for an id that the job's tables cannot have. */
function checkLengths(songs: SongPlays, maxBytes = Infinity): void {
  const long = songs.find(([id]) => id.length * 3 > maxBytes && utf8.encode(id).length > maxBytes);
  if (long === undefined) return;
  throw new JobRefusal(
    `the id ${quoted(long[0])} has more than ${maxBytes} bytes, the most in the job's tables`,
  );
}
