import type { Format } from "../../mapping/write.ts";

/** What JSON stands for in the answer to a request that was done. */
const RESULT: readonly string[] = ["application/json"];

/** What JSON stands for in the answer to one that was not (RFC 9457); clients that accept it seldom say so. */
export const PROBLEM_JSON: readonly string[] = ["application/problem+json", "application/json"];

interface MediaRange {
  type: string;
  quality: number;
  /** Whether it carries a parameter that none of our representations has. */
  foreign: boolean;
}

/**
 * Picks the answer's format by `Accept` (RFC 9110 §12.5.1): by quality, of each type that of the most
 * specific range naming it, and text where both are as welcome. Members that are not media ranges are
 * passed over.
 *
 * @returns `undefined` if neither is acceptable.
 */
export function preferredFormat(accept: string | null, json: readonly string[] = RESULT): Format | undefined {
  if (accept === null || accept === "*/*" || /^[\s,]*$/.test(accept)) return "text";
  if (accept === "application/json") return "json";
  const ranges = accept.split(",").flatMap(parseRange);
  const ofText = quality(ranges, ["text/plain"]);
  const ofJson = quality(ranges, json);
  if (ofText === 0 && ofJson === 0) return undefined;
  return ofJson > ofText ? "json" : "text";
}

const RANGE = /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*((?:;.*)?)$/;
/** As in the grammar, and with the zero in front of the dot left away, as Java's own client has it. */
const QUALITY = /^(?:0?\.\d{1,3}|0\.?|1(?:\.0{0,3})?)$/;

function parseRange(member: string): MediaRange[] {
  const [, type, parameters] = RANGE.exec(member) ?? [];
  if (type === undefined || parameters === undefined) return [];
  const range: MediaRange = { type: type.toLowerCase(), quality: 1, foreign: false };
  for (const parameter of parameters.split(";").slice(1)) {
    const [name = "", value = ""] = parameter.trim().toLowerCase().split(/=(.*)/s);
    if (name === "q") {
      if (!QUALITY.test(value)) return [];
      range.quality = Number(value);
      break; // what follows is no part of the range
    } else if (name !== "" && !(name === "charset" && /^"?utf-8"?$/.test(value))) {
      range.foreign = true;
    }
  }
  return [range];
}

/** The quality of `types` by the most specific of the ranges that match one of them; 0 if none does. */
function quality(ranges: MediaRange[], types: readonly string[]): number {
  let best = 0;
  let specificity = 0;
  for (const range of ranges) {
    if (range.foreign) continue;
    const found = specificityFor(range.type, types);
    if (found < specificity || found === 0) continue;
    best = found > specificity ? range.quality : Math.max(best, range.quality);
    specificity = found;
  }
  return best;
}

/** 3 for a type by its name, 2 for all of its kind, 1 for everything, 0 for no match. */
function specificityFor(range: string, types: readonly string[]): number {
  if (range === "*/*") return 1;
  if (types.includes(range)) return 3;
  return types.some((type) => range === type.replace(/\/.*/, "/*")) ? 2 : 0;
}
