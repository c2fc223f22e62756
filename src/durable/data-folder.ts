import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DataError, reasonOf } from "./data-error.ts";
import { APPLICATION_ID, FORMAT, tooNew } from "./schema.ts";

const FILE = "playcount.db";
const MARK = "last-commit";

/** Where SQLite has these numbers in a file's head, of 100 bytes (SQLite: Database File Format, 1.3). */
const HEAD_BYTES = 100;
const FORMAT_AT = 60;
const APPLICATION_AT = 68;

/** The folder of a database, and what stands in it beside that. */
export class DataFolder {
  readonly file: string;
  readonly #mark: number;
  readonly #text = new Uint8Array(24);

  /**
   * Opens a folder, which is made if there is none.
   *
   * @throws {DataError} if it cannot be written.
   */
  constructor(folder: string) {
    this.file = join(folder, FILE);
    try {
      mkdirSync(folder, { recursive: true });
      this.#mark = openSync(join(folder, MARK), existsSync(join(folder, MARK)) ? "r+" : "w+");
    } catch (error) {
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
    const { written } = new TextEncoder().encodeInto(String(commit).padStart(16, "0") + "\n", this.#text);
    try {
      writeSync(this.#mark, this.#text, 0, written, 0);
    } catch {
      // On a full disk it stays an older one, which is true as well.
    }
  }

  /**
   * Looks at the database before SQLite does, which might change it.
   *
   * @throws {DataError} if it is not one of this program, or of a newer one.
   */
  checkHead(): void {
    const { file } = this;
    const head = new DataView(new ArrayBuffer(HEAD_BYTES));
    const handle = openSync(file, "r");
    try {
      readSync(handle, new Uint8Array(head.buffer), 0, HEAD_BYTES, 0);
    } finally {
      closeSync(handle);
    }
    if (head.getUint32(APPLICATION_AT) !== APPLICATION_ID)
      throw new DataError("it is not a file of playcount");
    const format = head.getUint32(FORMAT_AT);
    if (format > FORMAT) throw tooNew(format);
  }

  close(): void {
    try {
      fsyncSync(this.#mark);
    } catch {
      // As with a full disk.
    }
    closeSync(this.#mark);
  }
}
