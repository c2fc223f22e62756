import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { takeLock } from "./sqlite.ts";
import { errorMessage } from "../../../error-message.ts";

const FILE = "playcount.db";
const LOCK = "lock";
const MARK = "last-commit";
const MARK_BYTES = 24;

const utf8 = new TextEncoder();

/** A folder that this process alone has, and what stands in it beside the database. */
export class DataFolder {
  readonly file: string;
  readonly #lock: DatabaseSync;
  readonly #mark: number;
  #marked: number;
  readonly #text = new Uint8Array(MARK_BYTES);

  /**
   * Takes a folder, which is made if there is none.
   *
   * @throws {DataError} if it cannot be written, or another process has it.
   */
  constructor(path: string) {
    const folder = resolve(path); // SQLite takes some relative ones for URIs
    this.file = join(folder, FILE);
    try {
      mkdirSync(folder, { recursive: true });
      this.#lock = takeLock(join(folder, LOCK));
      this.#mark = openSync(join(folder, MARK), existsSync(join(folder, MARK)) ? "r+" : "w+");
      this.#marked = readMark(this.#mark);
    } catch (error) {
      if (error instanceof DataError) throw new DataError(`cannot serve ${folder}: ${error.message}`);
      throw new DataError(`cannot write to ${folder}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /**
   * The number of a commit that has been made for certain; 0 if that is not known. It is written without waiting for the
   * disk, so after a power cut it may be an older one.
   */
  get mark(): number {
    return this.#marked;
  }

  set mark(commit: number) {
    if (commit === this.#marked) return;
    this.#marked = commit;
    const { written } = utf8.encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
    try {
      writeSync(this.#mark, this.#text, 0, written, 0);
    } catch {
      // On a full disk it stays an older one, which is true as well.
    }
  }

  close(): void {
    try {
      fsyncSync(this.#mark);
    } catch {
      // As with a full disk.
    }
    closeSync(this.#mark);
    this.#lock.close();
  }
}

/** Of a file that is open, and not read yet. */
function readMark(file: number): number {
  const bytes = new Uint8Array(MARK_BYTES);
  const text = new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes, 0, MARK_BYTES, 0))).trim();
  return /^\d{1,16}$/.test(text) ? Number(text) : 0;
}
