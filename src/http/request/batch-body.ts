import { runInTurns } from "../../async/turns.ts";
import { quoted } from "../../error-message.ts";
import { PairReader, readJsonPairs, type TakePair } from "../../mapping/read.ts";
import { Problem } from "../response/problem.ts";
import { type Packing, PackedPlays } from "../../store/packed-plays.ts";
import { type BodyReadings, readText, readTextPieces } from "./body.ts";
import type { Reserve } from "./byte-budget.ts";
import { checkContentType, JSON_TYPE } from "./content-type.ts";
import type { IdRule } from "./song-id.ts";

/**
 * Bytes that a song reserves besides its text, which has 4 at least. A song that is parsed takes up to 180
 * bytes and its id, so batches take at most three times `maxPendingBytes`.
 */
const SONG_BYTES = 60;

/** The rules for the songs of a batch. */
interface BatchRules {
  bodies: BodyReadings;
  maxBatchSongs: number;
  store: Packing;
  idRule: IdRule | undefined;
}

/**
 * Reads a batch.
 *
 * @throws {Problem} 400 that quotes the first malformed pair, 413, 415; {Refusal} `overflow`, `too long`.
 */
export async function readBatch(request: Request, rules: BatchRules, reserve: Reserve): Promise<PackedPlays> {
  const type = checkContentType(request, "A batch");
  checkCharset(request);
  const plays = new PackedPlays(rules.store);
  const add = pairAdder(plays, rules, reserve);
  try {
    if (type === JSON_TYPE) {
      const text = await readText(request, rules.bodies.jsonBatch, reserve);
      await runInTurns(readJsonPairs(text, add));
    } else {
      const pairs = new PairReader(add);
      await readTextPieces(request, rules.bodies.batch, (text) => pairs.push(text), reserve);
      pairs.finish();
    }
    return plays;
  } catch (error) {
    throw error instanceof SyntaxError ? new Problem(400, error.message) : error;
  }
}

/** @throws {Problem} 415 if a batch names a character set that its bytes would be misread in. */
function checkCharset(request: Request): void {
  const [, charset = "utf-8"] =
    /;[ \t]*charset="?([^";\s]*)/i.exec(request.headers.get("content-type") ?? "") ?? [];
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset))
    throw new Problem(415, `A batch must be sent in UTF-8, not ${quoted(charset)}`);
}

/**
 * Returns a function that adds a pair to `plays`, and refuses it past a limit. A song that is listed twice
 * counts twice against `maxBatchSongs`, which bounds the work.
 */
function pairAdder(plays: PackedPlays, { maxBatchSongs, idRule }: BatchRules, reserve: Reserve): TakePair {
  let pairs = 0;
  return (text, start, end, count) => {
    if (++pairs > maxBatchSongs) throw tooManySongs(maxBatchSongs);
    reserve(SONG_BYTES);
    // Only an id that was decoded can contain U+0000, and it is all of its text.
    if (idRule !== undefined || end === text.length) checkId(text.slice(start, end), count, idRule);
    plays.add(text, start, end, count);
  };
}

function checkId(id: string, count: number, idRule: IdRule | undefined): void {
  const wrong = id.includes("\0") ? "contains U+0000, which no database takes" : idRule?.(id);
  if (wrong === undefined) return;
  const pair = quoted(`${id}=${count}`);
  throw new SyntaxError(`Cannot read a mapping: expected id=count, found ${pair}, whose id ${wrong}`);
}

function tooManySongs(maxBatchSongs: number): Problem {
  const detail = `A batch may have ${maxBatchSongs} songs: send several batches`;
  return Problem.of("BatchTooLarge", detail, { maxBatchSongs });
}
