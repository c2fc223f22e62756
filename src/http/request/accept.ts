import type { Format } from "../../mapping/write.ts";
import { split } from "./list.ts";

/** The representations of a result: a format, a stream of events, or a page for people. */
export type Representation = Format | "stream" | "page";

/**
 * The media types of each representation. A problem (RFC 9457) has two: most clients that can read one only
 * name the general type.
 */
const MEDIA_TYPES: Readonly<Record<Representation | "problem", readonly string[]>> = {
  text: ["text/plain"],
  json: ["application/json"],
  stream: ["text/event-stream"],
  page: ["text/html"],
  problem: ["application/problem+json", "application/json"],
};

/** The representations of most results, by the setting `defaultFormat`, which comes first. */
export const FORMATS: Readonly<Record<Format, readonly Format[]>> = {
  text: ["text", "json"],
  json: ["json", "text"],
};

interface MediaRange {
  type: string;
  quality: number;
  /** Set by a parameter that no answer has. */
  isForeign: boolean;
}

/**
 * The last field that was parsed for a result: the requests of a client have the same one, and parsing takes
 * longer.
 */
let lastAccept = "";
let lastOffered: readonly Representation[] = FORMATS.text;
let lastChoice: Representation | undefined = "text";

/**
 * Picks one of the `offered` representations of a result by `Accept` (RFC 9110 §12.5.1): the one with the
 * highest quality. The most specific range that matches a type decides its quality. Of several with the same
 * quality, the one whose range comes first in the list is picked; of those with the same range, the one that
 * is offered first, as without a field. Members that are not media ranges are ignored, and so is a field of
 * more than 1024 characters.
 *
 * A page is picked for a client that names `application/xhtml+xml` too, as browsers do and programs do not,
 * or that accepts nothing else.
 *
 * @returns `undefined` if none is acceptable.
 */
export function preferredRepresentation(
  accept: string | null,
  offered: readonly Representation[] = FORMATS.text,
): Representation | undefined {
  if (accept === null || accept === "*/*") return offered[0];
  if (accept === "application/json") return "json";
  if (accept !== lastAccept || offered !== lastOffered) {
    lastChoice = choose(accept, offered);
    lastAccept = accept;
    lastOffered = offered;
  }
  return lastChoice;
}

/**
 * Picks the format of a problem, as {@linkcode preferredRepresentation} does; `defaultFormat` if none is
 * acceptable.
 */
export function preferredProblemFormat(accept: string | null, defaultFormat: Format = "text"): Format {
  const offered = FORMATS[defaultFormat].map((format) => (format === "json" ? "problem" : format));
  const best = bestOf(rangesOf(accept), offered) ?? offered[0];
  return best === "problem" ? "json" : "text";
}

/**
 * Returns true if a client names `type`, and names `other` with no higher quality. The parameters of both,
 * such as a version, are ignored.
 */
export function prefersNamed(accept: string | null, type: string, other: string): boolean {
  const ranges = rangesOf(accept);
  const qualityOf = (name: string) =>
    Math.max(0, ...ranges.filter((range) => range.type === name).map(({ quality }) => quality));
  return qualityOf(type) > 0 && qualityOf(type) >= qualityOf(other);
}

function choose(accept: string, offered: readonly Representation[]): Representation | undefined {
  if (split(accept, ",").length === 0) return offered[0];
  const ranges = rangesOf(accept);
  const isBrowser = ranges.some(({ type }) => type === "application/xhtml+xml");
  const others = isBrowser ? offered : offered.filter((name) => name !== "page");
  return bestOf(ranges, others) ?? bestOf(ranges, offered);
}

function bestOf<T extends keyof typeof MEDIA_TYPES>(
  ranges: readonly MediaRange[],
  offered: readonly T[],
): T | undefined {
  let best: { name: T; quality: number; place: number } | undefined;
  for (const name of offered) {
    const range = decidingRange(ranges, MEDIA_TYPES[name]);
    if (range === undefined) continue;
    const { quality } = range;
    const place = ranges.indexOf(range);
    if (best === undefined || quality > best.quality || (quality === best.quality && place < best.place))
      best = { name, quality, place };
  }
  return best?.name;
}

function rangesOf(accept: string | null): MediaRange[] {
  return split(accept ?? "", ",").flatMap(parseRange);
}

const RANGE = /^([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*((?:;.*)?)$/;
/** Quality as in the grammar, and also without the zero before the dot, as the client of Java sends it. */
const QUALITY = /^(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$/;

function parseRange(member: string): MediaRange[] {
  const [, type, parameters] = RANGE.exec(member) ?? [];
  if (type === undefined || parameters === undefined) return [];
  const range: MediaRange = { type: type.toLowerCase(), quality: 1, isForeign: false };
  for (const parameter of split(parameters, ";")) {
    const [name = "", value = ""] = parameter.toLowerCase().split(/=(.*)/s);
    if (name === "q") {
      if (!QUALITY.test(value)) return [];
      range.quality = Number(value);
      break; // later parameters do not belong to the range
    } else if (!(name === "charset" && /^"?utf-8"?$/.test(value))) {
      range.isForeign = true;
    }
  }
  return [range];
}

/** Returns the most specific range that matches one of `types`; `undefined` if its quality is 0. */
function decidingRange(ranges: readonly MediaRange[], types: readonly string[]): MediaRange | undefined {
  let best: MediaRange | undefined;
  let specificity = 1;
  for (const range of ranges) {
    if (range.isForeign) continue;
    const found = specificityFor(range.type, types);
    if (found < specificity) continue;
    if (best === undefined || found > specificity || range.quality > best.quality) best = range;
    specificity = found;
  }
  return best?.quality === 0 ? undefined : best;
}

/** Returns 3 for a type by its name, 2 for all of its kind, 1 for all types, 0 for no match. */
function specificityFor(range: string, types: readonly string[]): number {
  if (range === "*/*") return 1;
  if (types.includes(range)) return 3;
  return range.endsWith("/*") && types.some((type) => type.startsWith(range.slice(0, -1))) ? 2 : 0;
}
