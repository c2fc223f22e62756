import type { Format } from "./negotiate.ts";
import type { Entry } from "./store/count-store.ts";

/** How a mapping of songs to counts is written: what stands around and between its entries. */
export interface Grammar {
  open: string;
  entry: (entry: Entry) => string;
  close: string;
}

/** `1=1,a%2Fb=5`: ids stand as `encodeURIComponent` has them, so no `=`, `,` or control character is raw. */
const text: Grammar = {
  open: "",
  entry: ([id, count]) => `${encodeURIComponent(id)}=${count}`,
  close: "",
};

/** The grammar of all songs, in no order, for each format. */
export const mapping: Record<Format, Grammar> = {
  text,
  // Written by hand: an object would take `__proto__` for something else, and sort ids that are numbers.
  json: { open: "{", entry: ([id, count]) => `${JSON.stringify(id)}:${count}`, close: "}" },
};

/** The grammar of a ranking, which has an order, for each format. */
export const ranking: Record<Format, Grammar> = {
  text,
  json: { open: "[", entry: ([id, count]) => JSON.stringify({ id, count }), close: "]" },
};

/** Writes `entries`, all at once. */
export function write({ open, entry, close }: Grammar, entries: readonly Entry[]): string {
  return open + entries.map(entry).join(",") + close;
}

/**
 * Reads the text grammar of a mapping.
 *
 * @throws {SyntaxError} that quotes the first pair that is not `id=count`, or is one for an id that was there before.
 */
export function parseMapping(source: string): Map<string, number> {
  const counts = new Map<string, number>();
  if (source === "") return counts;
  for (const pair of source.split(",")) {
    const [, id, digits] = /^([^=]+)=(\d{1,16})$/.exec(pair) ?? [];
    const count = Number(digits);
    if (id === undefined || !Number.isSafeInteger(count)) throw notAPair(pair);
    const decoded = decode(id);
    if (decoded === undefined || counts.has(decoded)) throw notAPair(pair);
    counts.set(decoded, count);
  }
  return counts;
}

function decode(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

function notAPair(pair: string): SyntaxError {
  return new SyntaxError(
    `Cannot read a mapping: expected id=count, found ${JSON.stringify(pair.slice(0, 80))}`,
  );
}
