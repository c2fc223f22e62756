import type { Format } from "../../mapping/write.ts";
import { split } from "./list.ts";

/** Media types of a result in JSON. */
const RESULT_JSON: readonly string[] = ["application/json"];

/** Media types of a problem in JSON (RFC 9457): most clients that can read one only name the general type. */
const PROBLEM_JSON: readonly string[] = ["application/problem+json", "application/json"];

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
let lastFormat: Format | undefined = "text";

/**
 * Picks the format of a result by `Accept` (RFC 9110 §12.5.1): the one with the higher quality. The most
 * specific range that matches a type decides its quality. Of two formats with the same quality, the one whose
 * range comes first in the list is picked; text if both have the same range. Members that are not media
 * ranges are ignored, and so is a field of more than 1024 characters.
 *
 * @returns `undefined` if neither is acceptable.
 */
export function preferredFormat(accept: string | null): Format | undefined {
  if (accept === null || accept === "*/*") return "text";
  if (accept === "application/json") return "json";
  if (accept !== lastAccept) {
    lastFormat = compareRanges(accept, RESULT_JSON);
    lastAccept = accept;
  }
  return lastFormat;
}

/** Picks the format of a problem, as {@linkcode preferredFormat} does; text if neither is acceptable. */
export function preferredProblemFormat(accept: string | null): Format {
  return (accept === null ? undefined : compareRanges(accept, PROBLEM_JSON)) ?? "text";
}

/**
 * Returns true if a client names `type`, and names `other` with no higher quality. The parameters of both,
 * such as a version, are ignored.
 */
export function prefersNamed(accept: string | null, type: string, other: string): boolean {
  const ranges = split(accept ?? "", ",").flatMap(parseRange);
  const qualityOf = (name: string) =>
    Math.max(0, ...ranges.filter((range) => range.type === name).map(({ quality }) => quality));
  return qualityOf(type) > 0 && qualityOf(type) >= qualityOf(other);
}

function compareRanges(accept: string, jsonTypes: readonly string[]): Format | undefined {
  const members = split(accept, ",");
  if (members.length === 0) return "text";
  const ranges = members.flatMap(parseRange);
  const text = decidingRange(ranges, ["text/plain"]);
  const json = decidingRange(ranges, jsonTypes);
  if (json === undefined) return text && "text";
  if (text === undefined || json.quality > text.quality) return "json";
  return json.quality === text.quality && ranges.indexOf(json) < ranges.indexOf(text) ? "json" : "text";
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
