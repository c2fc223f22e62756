import type { Entry } from "../store/count-store.ts";

/** The two formats of a reply: `text/plain` and `application/json`. */
export type Format = "text" | "json";

/** Syntax of a list of songs with counts. A comma separates its entries. */
export interface ListSyntax {
  open: string;
  entry: (entry: Entry) => string;
  close: string;
  /** The same syntax for writing entries as bytes, without strings. */
  utf8?: Utf8Syntax;
}

/** Syntax of an entry whose id is UTF-8 already. */
export interface Utf8Syntax {
  before: string;
  between: string;
  /** By byte: 1 if the byte is written as it is. */
  isPlain: Uint8Array;
  /** Returns the ASCII text for any other byte, at most `longestEscape` long. */
  escape: (byte: number) => string;
  longestEscape: number;
}

/** An id that needs no encoding, as most ids. This test is faster than encoding. */
const PLAIN_ID = /^[\w.!~*'()-]+$/;

/** `1=1,a%2Fb=5`: `encodeURIComponent` encodes ids, so they contain no `=`, `,` or control character. */
const text: ListSyntax = {
  open: "",
  entry: ([id, count]) => `${PLAIN_ID.test(id) ? id : encodeURIComponent(id)}=${count}`,
  close: "",
  utf8: {
    before: "",
    between: "=",
    isPlain: bytesThat((byte) => byte < 0x80 && encodeURIComponent(String.fromCharCode(byte)).length === 1),
    escape: (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    longestEscape: 3,
  },
};

/** `{"1":1,"a/b":5}`. Not written from an object, which would lose `__proto__` and sort numeric ids. */
const json: ListSyntax = {
  open: "{",
  entry: ([id, count]) => `${JSON.stringify(id)}:${count}`,
  close: "}",
  utf8: {
    before: '"',
    between: '":',
    isPlain: bytesThat((byte) => byte >= 0x80 || JSON.stringify(String.fromCharCode(byte)).length === 3),
    escape: (byte) => JSON.stringify(String.fromCharCode(byte)).slice(1, -1),
    longestEscape: 6,
  },
};

function bytesThat(isPlain: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(isPlain(byte)));
}

/** Syntax of a mapping of songs to counts, by format. */
export const MAPPING_SYNTAX: Record<Format, ListSyntax> = { text, json };

/** Syntax of a ranking, which has an order, by format: `[{"id":"1","count":1}]` in JSON. */
export const RANKING_SYNTAX: Record<Format, ListSyntax> = {
  text,
  json: { open: "[", entry: ([id, count]) => JSON.stringify({ id, count }), close: "]" },
};

/** Returns `entries` as one text. */
export function writeList({ open, entry, close }: ListSyntax, entries: readonly Entry[]): string {
  return open + entries.map(entry).join(",") + close;
}
