/** The two forms in which everything is answered. */
export type Format = "text" | "json";

const TYPES: Record<Format, readonly string[]> = {
  text: ["text/plain"],
  json: ["application/json", "application/problem+json"],
};

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
export function preferredFormat(accept: string | null): Format | undefined {
  if (accept === null || accept === "*/*" || /^[\s,]*$/.test(accept)) return "text";
  if (accept === "application/json") return "json";
  const ranges = accept.split(",").flatMap(parseRange);
  const text = quality(ranges, "text");
  const json = quality(ranges, "json");
  if (text === 0 && json === 0) return undefined;
  return json > text ? "json" : "text";
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
    } else if (name !== "" && !(name === "charset" && /^"?utf-8"?$/.test(value))) {
      range.foreign = true;
    }
  }
  return [range];
}

/** The quality of `format` by the most specific of the ranges that match it; 0 if none does. */
function quality(ranges: MediaRange[], format: Format): number {
  let best = 0;
  let specificity = 0;
  for (const range of ranges) {
    if (range.foreign) continue;
    const found = specificityFor(range.type, TYPES[format]);
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
