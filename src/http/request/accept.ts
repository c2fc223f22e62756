import type { Format } from "../../mapping/write.ts";

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
 * Picks the format of a result by `Accept` (RFC 9110 §12.5.1): the one with the higher quality, and text if
 * both are equal. The most specific range that matches a type decides its quality. Members that are not media
 * ranges are ignored.
 *
 * @returns `undefined` if neither is acceptable.
 */
export function preferredFormat(accept: string | null): Format | undefined {
  if (accept === null || accept === "*/*") return "text";
  if (accept === "application/json") return "json";
  if (accept !== lastAccept) {
    lastFormat = compareQualities(accept, RESULT_JSON);
    lastAccept = accept;
  }
  return lastFormat;
}

/** Picks the format of a problem, as {@linkcode preferredFormat} does; text if neither is acceptable. */
export function preferredProblemFormat(accept: string | null): Format {
  return (accept === null ? undefined : compareQualities(accept, PROBLEM_JSON)) ?? "text";
}

function compareQualities(accept: string, json: readonly string[]): Format | undefined {
  if (/^[\s,]*$/.test(accept)) return "text";
  const ranges = accept.split(",").flatMap(parseRange);
  const ofText = quality(ranges, ["text/plain"]);
  const ofJson = quality(ranges, json);
  if (ofText === 0 && ofJson === 0) return undefined;
  return ofJson > ofText ? "json" : "text";
}

const RANGE = /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*((?:;.*)?)$/;
/** Quality as in the grammar, and also without the zero before the dot, as the client of Java sends it. */
const QUALITY = /^(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$/;

function parseRange(member: string): MediaRange[] {
  const [, type, parameters] = RANGE.exec(member) ?? [];
  if (type === undefined || parameters === undefined) return [];
  const range: MediaRange = { type: type.toLowerCase(), quality: 1, isForeign: false };
  for (const parameter of parameters.split(";").slice(1)) {
    const [name = "", value = ""] = parameter.trim().toLowerCase().split(/=(.*)/s);
    if (name === "q") {
      if (!QUALITY.test(value)) return [];
      range.quality = Number(value);
      break; // later parameters do not belong to the range
    } else if (name !== "" && !(name === "charset" && /^"?utf-8"?$/.test(value))) {
      range.isForeign = true;
    }
  }
  return [range];
}

/** Returns the quality of `types` by the most specific range that matches one of them; 0 without a match. */
function quality(ranges: MediaRange[], types: readonly string[]): number {
  let best = 0;
  let specificity = 0;
  for (const range of ranges) {
    if (range.isForeign) continue;
    const found = specificityFor(range.type, types);
    if (found < specificity || found === 0) continue;
    best = found > specificity ? range.quality : Math.max(best, range.quality);
    specificity = found;
  }
  return best;
}

/** Returns 3 for a type by its name, 2 for all of its kind, 1 for all types, 0 for no match. */
function specificityFor(range: string, types: readonly string[]): number {
  if (range === "*/*") return 1;
  if (types.includes(range)) return 3;
  return types.some((type) => range === type.replace(/\/.*/, "/*")) ? 2 : 0;
}
