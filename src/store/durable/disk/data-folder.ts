import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { errorMessage } from "../../../error-message.ts";
import { DataError } from "./data-error.ts";
import { describeDenial } from "./denial.ts";
import { acquireLock } from "./sqlite.ts";

const DATABASE_FILE = "playcount.db";
const LOCK_FILE = "lock";
const RECORD_FILE = "last-commit";

const utf8 = new TextEncoder();

/** A directory locked by this process, and the files in it beside the database. */
export class DataFolder {
  /** The database. */
  readonly file: string;
  readonly #folder: string;
  readonly #lock: DatabaseSync;
  /** The lock's file, if this start has made it. */
  readonly #madeLock: string | undefined;
  readonly #record: string;
  #recordFile: number | undefined;
  #recorded: number | undefined;
  readonly #text = new Uint8Array(24);
  /** The files that are in use, each with its identity. */
  #inUse: readonly (readonly [path: string, identity: string | undefined])[] = [];

  /**
   * Locks a folder, and creates it if it is missing.
   *
   * @throws {DataError} if it cannot be written, or another process has it.
   */
  constructor(path: string) {
    this.#folder = resolve(path); // SQLite takes some relative paths for URIs
    this.file = join(this.#folder, DATABASE_FILE);
    this.#record = join(this.#folder, RECORD_FILE);
    const lock = join(this.#folder, LOCK_FILE);
    this.#madeLock = existsSync(lock) ? undefined : lock;
    try {
      makeFolder(this.#folder);
      checkKinds(this.#folder);
      this.#lock = acquireLock(lock);
      this.#recorded = readRecord(this.#record);
    } catch (error) {
      throw this.describe(error, this.#folder);
    }
  }

  /**
   * The number of the newest commit that is known to be durable; `undefined` if no record says so. A start
   * that finds fewer commits in the database detects their loss. Written without a sync, so after a power cut
   * it may be the number of an older commit.
   */
  get recordedCommit(): number | undefined {
    return this.#recorded;
  }

  set recordedCommit(commit: number) {
    if (commit === this.#recorded) return;
    try {
      this.#write(commit);
    } catch {
      // On a full disk the number stays that of an older commit, which is durable as well.
    }
  }

  /** Opens the record to be written, once a start is sure to succeed: one that is refused changes nothing. */
  openRecord(): void {
    this.#recordFile ??= openSync(this.#record, existsSync(this.#record) ? "r+" : "w+");
    if (this.#recorded !== undefined) return;
    this.#write(0);
    fsyncSync(this.#recordFile);
  }

  /** Remembers which files are in use, for {@linkcode checkFiles}. */
  watchFiles(): void {
    const paths = [this.file, `${this.file}-wal`, this.#record];
    this.#inUse = paths.map((path) => [path, identityOf(path)]);
  }

  /**
   * Checks that the files in use are still those of the folder: in a file that was removed or replaced, the
   * system keeps what is written until the process ends, and no longer.
   */
  checkFiles(): void {
    for (const [path, identity] of this.#inUse)
      if (identityOf(path) !== identity)
        throw new DataError(
          `${basename(path)} was removed or replaced in ${this.#folder}; what it had is lost when this process ends`,
        );
  }

  /** Describes why a start on this folder, or its database, has failed. */
  describe(error: unknown, path: string = this.file): DataError {
    const denial = error instanceof DataError ? undefined : describeDenial(this.#folder);
    return new DataError(`cannot serve ${path}: ${denial ?? errorMessage(error)}`, { cause: error });
  }

  /** Unlocks the folder, and leaves nothing in it that was not there: the start is refused. */
  abandon(): void {
    if (this.#madeLock !== undefined) rmSync(this.#madeLock, { force: true });
    if (this.#recordFile !== undefined) closeSync(this.#recordFile);
    this.#lock.close();
  }

  close(): void {
    const file = this.#recordFile as number;
    try {
      fsyncSync(file);
    } catch {
      // As in `recordedCommit`.
    }
    closeSync(file);
    this.#lock.close();
  }

  #write(commit: number): void {
    this.#recorded = commit;
    const { written } = utf8.encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
    writeSync(this.#recordFile as number, this.#text, 0, written, 0);
  }
}

/** @throws {DataError} if a file is of another kind: to read a FIFO would wait for ever. */
function checkKinds(folder: string): void {
  const log = [`${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];
  for (const name of [DATABASE_FILE, ...log, LOCK_FILE, RECORD_FILE]) {
    const path = join(folder, name);
    if (existsSync(path) && !statSync(path).isFile()) throw new DataError(`${name} is not a regular file`);
  }
}

function readRecord(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "latin1").trim();
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** Identifies a file on its disk; `undefined` if it is missing. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
}

/**
 * Creates a directory and those above it. Node's own `recursive` never returns if /proc refuses one.
 *
 * @throws {DataError} if a path exists and is no directory; `name` stands for the path in the message.
 */
function makeFolder(path: string, name = "it"): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return;
    throw new DataError(`${name} is not a directory`);
  }
  const parent = dirname(path);
  makeFolder(parent, parent);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw new DataError(`${name} is a symbolic link to a missing directory`);
  mkdirSync(path);
}
