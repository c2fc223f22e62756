/** A value of RESP2 or RESP3. An `Error` is an error reply. */
export type Reply = string | number | null | Error | Reply[];

/** A value that was read, and the offset of its end. */
export interface Read {
  value: Reply;
  end: number;
}

const CRLF = "\r\n";

/** Encodes a request, one byte a character. */
export function encode(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${word.length}${CRLF}${word}${CRLF}`);
  return Buffer.from(`*${words.length}${CRLF}${parts.join("")}`, "latin1");
}

/**
 * Reads a request or an answer that begins at `at`; `undefined` if it is not all there. Texts are one byte a
 * character.
 */
export function read(bytes: Buffer, at: number = 0): Read | undefined {
  const lineEnd = bytes.indexOf(CRLF, at, "latin1");
  if (lineEnd === -1) return undefined;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const line = bytes.toString("latin1", at + 1, lineEnd);
  const next = lineEnd + CRLF.length;
  if ("$=!".includes(type)) return readBulk(bytes, next, type, Number(line));
  if ("*~>".includes(type)) return readMany(bytes, next, Number(line));
  if ("%|".includes(type)) return readMany(bytes, next, Number(line) * 2);
  if (":,(".includes(type)) return { value: Number(line), end: next };
  if (type === "-") return { value: new Error(line), end: next };
  if (type === "_") return { value: null, end: next };
  if (type === "+" || type === "#") return { value: line, end: next };
  throw new SyntaxError(`Neither a request nor an answer begins with ${JSON.stringify(type + line)}`);
}

function readBulk(bytes: Buffer, at: number, type: string, length: number): Read | undefined {
  if (length === -1) return { value: null, end: at };
  const end = at + length + CRLF.length;
  if (bytes.length < end) return undefined;
  const text = bytes.toString("latin1", at, at + length);
  return { value: type === "!" ? new Error(text) : text, end };
}

function readMany(bytes: Buffer, at: number, length: number): Read | undefined {
  if (length === -1) return { value: null, end: at };
  const value: Reply[] = [];
  let end = at;
  while (value.length < length) {
    const one = read(bytes, end);
    if (one === undefined) return undefined;
    value.push(one.value);
    end = one.end;
  }
  return { value, end };
}

/** Splits a stream into whole requests or answers, each with its bytes. */
export class Reader {
  #rest: Buffer = Buffer.alloc(0);

  *take(piece: Buffer): Generator<{ value: Reply; bytes: Buffer }> {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (let one = read(this.#rest); one !== undefined; one = read(this.#rest)) {
      const bytes = this.#rest.subarray(0, one.end);
      this.#rest = this.#rest.subarray(one.end);
      yield { value: one.value, bytes };
    }
  }
}
