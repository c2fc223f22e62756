import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { APPLICATION_ID, FORMAT } from "./schema.ts";

const FILE = "playcount.db";
const LOCK = "lock";
const MARK = "last-commit";

/** Where SQLite has these numbers in a file's head, of 100 bytes (SQLite: Database File Format, 1.3). */
const HEAD_BYTES = 100;
const FORMAT_AT = 60;
const APPLICATION_AT = 68;

/** A folder that this process alone has, and what stands in it beside the database. */
export class DataFolder {
  readonly file: string;
  readonly #lock: DatabaseSync;
  readonly #mark: number;
  readonly #text = new Uint8Array(24);

  /**
   * Takes a folder, which is made if there is none.
   *
   * @throws {DataError} if it cannot be written, another process has it, or its database is not one of this program.
   */
  constructor(folder: string) {
    this.file = join(folder, FILE);
    try {
      mkdirSync(folder, { recursive: true });
      this.#lock = takeLock(join(folder, LOCK), folder);
      this.#mark = openSync(join(folder, MARK), existsSync(join(folder, MARK)) ? "r+" : "w+", 0o600);
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(`cannot write to ${folder}: ${reasonOf(error)}`, { cause: error });
    }
    checkHead(this.file);
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
    const { written } = new TextEncoder().encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
    try {
      writeSync(this.#mark, this.#text, 0, written, 0);
    } catch {
      // On a full disk it stays an older one, which is true as well.
    }
  }

  /** Lets go of the folder. */
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

/** No runtime can lock a file, but SQLite can; the lock ends with the process, however that ends. */
function takeLock(path: string, folder: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (/locked|busy/i.test(reasonOf(error)))
      throw new DataError(`another process has the counts in ${folder}`, { cause: error });
    throw error;
  }
}

/** Looks at a file before SQLite does, which might change it. */
function checkHead(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  const handle = openSync(file, "r");
  try {
    readSync(handle, new Uint8Array(head.buffer), 0, HEAD_BYTES, 0);
  } finally {
    closeSync(handle);
  }
  if (head.getUint32(APPLICATION_AT) !== APPLICATION_ID)
    throw new DataError(`${file} is not a file of playcount`);
  const format = head.getUint32(FORMAT_AT);
  if (format > FORMAT)
    throw new DataError(`${file} has format ${format}, of a newer playcount; this one knows up to ${FORMAT}`);
}

/** What went wrong, in few words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
