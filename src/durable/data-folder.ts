import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DataError, reasonOf } from "./data-error.ts";
import { takeLock } from "./sqlite.ts";

const FILE = "playcount.db";
const LOCK = "lock";
const MARK = "last-commit";

/** A folder that this process alone has, and what stands in it beside the database. */
export class DataFolder {
  readonly file: string;
  readonly #lock: DatabaseSync;
  readonly #mark: number;
  #marked = 0;
  readonly #text = new Uint8Array(24);

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
    } catch (error) {
      if (error instanceof DataError) throw new DataError(`cannot serve ${folder}: ${error.message}`);
      throw new DataError(`cannot write to ${folder}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * The number of a commit that has been made for certain; 0 if that is not known. It is written without waiting for the
   * disk, so after a power cut it may be an older one.
   */
  get mark(): number {
    const text = readFileSync(this.#mark, "latin1").trim();
    return /^\d{1,16}$/.test(text) ? Number(text) : 0;
  }

  set mark(commit: number) {
    if (commit === this.#marked) return;
    this.#marked = commit;
    const { written } = new TextEncoder().encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
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
