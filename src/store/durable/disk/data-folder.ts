import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { acquireLock } from "./sqlite.ts";
import { errorMessage } from "../../../error-message.ts";

const DATABASE_FILE = "playcount.db";
const LOCK_FILE = "lock";
const RECORD_FILE = "last-commit";
const RECORD_BYTES = 24;

const utf8 = new TextEncoder();

/** A folder locked by this process, and the files in it beside the database. */
export class DataFolder {
  readonly file: string;
  readonly #lock: DatabaseSync;
  readonly #recordFile: number;
  #recorded: number;
  readonly #text = new Uint8Array(RECORD_BYTES);

  /**
   * Locks a folder, and creates it if it is missing.
   *
   * @throws {DataError} if it cannot be written, or another process has it.
   */
  constructor(path: string) {
    const folder = resolve(path); // SQLite takes some relative paths for URIs
    this.file = join(folder, DATABASE_FILE);
    try {
      mkdirSync(folder, { recursive: true });
      this.#lock = acquireLock(join(folder, LOCK_FILE));
      this.#recordFile = openSync(
        join(folder, RECORD_FILE),
        existsSync(join(folder, RECORD_FILE)) ? "r+" : "w+",
      );
      this.#recorded = readRecord(this.#recordFile);
    } catch (error) {
      if (error instanceof DataError) throw new DataError(`cannot serve ${folder}: ${error.message}`);
      throw new DataError(`cannot write to ${folder}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /**
   * The number of the newest commit that is known to be durable; 0 if none is. A start that finds fewer
   * commits in the database detects their loss. Written without a sync, so after a power cut it may be the
   * number of an older commit.
   */
  get recordedCommit(): number {
    return this.#recorded;
  }

  set recordedCommit(commit: number) {
    if (commit === this.#recorded) return;
    this.#recorded = commit;
    const { written } = utf8.encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
    try {
      writeSync(this.#recordFile, this.#text, 0, written, 0);
    } catch {
      // On a full disk the number stays that of an older commit, which is durable as well.
    }
  }

  close(): void {
    try {
      fsyncSync(this.#recordFile);
    } catch {
      // As in `recordedCommit`.
    }
    closeSync(this.#recordFile);
    this.#lock.close();
  }
}

function readRecord(file: number): number {
  const bytes = new Uint8Array(RECORD_BYTES);
  const text = new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes, 0, RECORD_BYTES, 0))).trim();
  return /^\d{1,16}$/.test(text) ? Number(text) : 0;
}
