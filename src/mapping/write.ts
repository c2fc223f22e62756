import type { Entry } from "../store/count-store.ts";

/** The two formats of a reply: `text/plain` and `application/json`. */
export type Format = "text" | "json";

/** How a mapping of songs to counts is written: what stands around and between its entries. */
export interface ListSyntax {
  open: string;
  entry: (entry: Entry) => string;
  close: string;
  /** How the same comes about without strings. */
  utf8?: Utf8Syntax;
}

/** How an entry is written whose id is there as bytes of UTF-8. */
export interface Utf8Syntax {
  before: string;
  between: string;
  /** 1 for each byte of an id that stands for itself. */
  isPlain: Uint8Array;
  /** What stands for another byte: ASCII, no longer than `longestEscape`. */
  escape: (byte: number) => string;
  longestEscape: number;
}

/** An id that stands for itself, as most do: to see that takes less time than to encode it. */
const PLAIN_ID = /^[\w.!~*'()-]+$/;

/** `1=1,a%2Fb=5`: ids stand as `encodeURIComponent` has them, so no `=`, `,` or control character is raw. */
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

/** Written by hand: an object would take `__proto__` for something else, and sort ids that are numbers. */
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

function bytesThat(isOne: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(isOne(byte)));
}

/** The grammar of all songs, in no order, for each format. */
export const MAPPING_SYNTAX: Record<Format, ListSyntax> = { text, json };

/** The grammar of a ranking, which has an order, for each format. */
export const RANKING_SYNTAX: Record<Format, ListSyntax> = {
  text,
  json: { open: "[", entry: ([id, count]) => JSON.stringify({ id, count }), close: "]" },
};

/** Writes `entries`, all at once. */
export function writeList({ open, entry, close }: ListSyntax, entries: readonly Entry[]): string {
  return open + entries.map(entry).join(",") + close;
}
