import { runInTurns } from "../../async/turns.ts";
import { quoted } from "../../error-message.ts";
import { KeyedMap } from "../../keyed-map.ts";
import { PairReader, readJsonPairs } from "../../mapping/read.ts";
import { Problem } from "../response/problem.ts";
import { type CountStore, isTooLong, MAX_COUNT } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";
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
  store: Pick<CountStore, "maxIdBytes">;
  idRule: IdRule;
}

/**
 * Reads a batch.
 *
 * @throws {Problem} 400 that quotes the first malformed pair, 413, 415; {Refusal} `overflow`, `too long`.
 */
export async function readBatch(request: Request, rules: BatchRules, reserve: Reserve): Promise<BatchPlays> {
  const type = checkContentType(request, "A batch");
  checkCharset(request);
  const plays = new BatchPlays(rules, reserve);
  try {
    if (type === JSON_TYPE) {
      const text = await readText(request, rules.bodies.jsonBatch, reserve);
      await runInTurns(readJsonPairs(text, plays.add));
    } else {
      const pairs = new PairReader(plays.add);
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

/** The plays of a batch, summed by song. Refuses the batch as soon as it passes a limit. */
export class BatchPlays {
  readonly bySong: KeyedMap<number> = new KeyedMap();
  sum = 0;
  readonly #maxSongs: number;
  readonly #maxIdBytes: number;
  readonly #idRule: IdRule;
  readonly #reserve: Reserve;
  #pairs = 0;

  constructor({ maxBatchSongs, store, idRule }: BatchRules, reserve: Reserve) {
    this.#maxSongs = maxBatchSongs;
    this.#maxIdBytes = store.maxIdBytes;
    this.#idRule = idRule;
    this.#reserve = reserve;
  }

  /** A song that is listed twice counts twice against the limit, which bounds the work. */
  readonly add = (id: string, plays: number): void => {
    if (++this.#pairs > this.#maxSongs) throw tooManySongs(this.#maxSongs);
    this.#reserve(SONG_BYTES);
    const maxIdBytes = this.#maxIdBytes;
    if (isTooLong(id, maxIdBytes)) {
      const detail = `The id ${quoted(id)} is longer than ${maxIdBytes} bytes of UTF-8`;
      throw new Refusal("too long", detail, { maxIdBytes });
    }
    const wrong = id.includes("\0") ? "contains U+0000, which no database takes" : this.#idRule(id);
    if (wrong !== undefined) {
      const pair = quoted(`${id}=${plays}`);
      throw new SyntaxError(`Cannot read a mapping: expected id=count, found ${pair}, whose id ${wrong}`);
    }
    this.bySong.update(id, (before = 0) => {
      if (plays <= MAX_COUNT - before) return before + plays;
      throw new Refusal("overflow", `The plays of ${quoted(id)} exceed ${MAX_COUNT}`);
    });
    this.sum += plays;
  };
}

function tooManySongs(maxBatchSongs: number): Problem {
  const detail = `A batch may have ${maxBatchSongs} songs: send several batches`;
  return Problem.of("BatchTooLarge", detail, { maxBatchSongs });
}
