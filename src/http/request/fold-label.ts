import { MAX_LABEL_LENGTH } from "../../store/count-store.ts";
import { Problem } from "../response/problem.ts";
import type { BodyReading } from "./body.ts";
import { readSmall } from "./content-type.ts";

const WANTED = `1 to ${MAX_LABEL_LENGTH} printable ASCII characters`;

/**
 * Reads a body that is empty or the label of a fold: the text itself, or a string in JSON.
 *
 * @throws {Problem} as {@linkcode readSmall}, and 400 for any other content.
 */
export async function readLabel(request: Request, reading: BodyReading): Promise<string> {
  const { text, isJson } = await readSmall(request, reading, "A label");
  if (text === "") return "";
  const label = isJson ? parseJsonString(text) : text;
  if (!isLabel(label)) throw new Problem(400, `The body must be the label of the fold: ${WANTED}`);
  return label;
}

/** Returns the empty text, which is no label, for anything but a string in JSON. */
function parseJsonString(source: string): string {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}

/** Reads `Fold-Label`. Returns `undefined` without one. @throws {Problem} 400 if it is no label. */
export function readFoldLabel(headers: Headers): string | undefined {
  const label = headers.get("fold-label");
  if (label === null || isLabel(label)) return label ?? undefined;
  throw new Problem(400, `Fold-Label must be ${WANTED}`);
}

/** A header loses white space at its ends, so a label has none there. */
function isLabel(text: string): boolean {
  return text.length <= MAX_LABEL_LENGTH && /^[!-~](?:[ -~]*[!-~])?$/.test(text);
}
