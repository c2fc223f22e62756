import { runInTurns } from "../../async.ts";
import { quoted } from "../../error-message.ts";
import { KeyedMap } from "../../keyed-map.ts";
import { contentTypeOf, readText, readTextPieces, checkEncoding } from "../request/body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { readKey } from "../request/idempotency-key.ts";
import { MAPPING_SYNTAX, writeList } from "../../mapping/write.ts";
import { PairReader, readJsonPairs } from "../../mapping/read.ts";
import { checkConditions, conditionsOf } from "../request/preconditions.ts";
import { prefersMinimal } from "../request/prefer.ts";
import type { IdRule } from "../request/song-id.ts";
import { listBody } from "../response/list-body.ts";
import { Problem } from "../response/problem.ts";
import { reply, replyMinimal } from "../response/reply.ts";
import { type Entry, isTooLong, MAX_COUNT } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";

/**
 * Largest batch in JSON, in bytes: a client could choose ids that collide in the engine's hash, which has no
 * key.
 */
const MAX_JSON_BYTES = 64 * 1024;

/**
 * Bytes that a song reserves besides its text. A song that is parsed takes up to 180 bytes and its id, so
 * batches take at most three times `maxPendingBytes`.
 */
const SONG_BYTES = 50;

const JSON_TYPE = "application/json";
/** The form type is the one that `curl -d` sends with any data. */
const TEXT_TYPES = ["text/plain", "application/x-www-form-urlencoded"];

/**
 * Work of a chunk of an answer, in code units: the id of each song, and about 60 more. Writing it takes about
 * a millisecond.
 */
const [CHUNK_WORK, SONG_WORK] = [64 * 1024, 60];

/** `POST /batch`: adds a whole mapping atomically, and answers the new counts of its songs. */
export function addBatch(service: Service, exchange: Exchange): Promise<Response> {
  return service.batchBytes.lend((reserve) => addWithin({ ...service, reserve }, exchange));
}

async function addWithin(service: Service, exchange: Exchange): Promise<Response> {
  const { request, format } = exchange;
  const key = readKey(request.headers, service.isManager);
  checkConditions(conditionsOf(request.headers), false);
  const plays = await readPlays(service, exchange);
  const { counts, fold } = await service.store.addAll(plays.bySong, key);
  service.metrics.countPlays(plays.sum);
  if (prefersMinimal(request.headers.get("prefer"))) return replyMinimal(fold);
  const syntax = MAPPING_SYNTAX[format];
  const [first = []] = chunksOf(plays.bySong, counts);
  const isSmall = first.length === counts.length;
  const body = isSmall ? writeList(syntax, first) : await listBody(chunksOf(plays.bySong, counts), syntax);
  return reply(exchange, body, service.foldHeaders.for(format, fold));
}

function* chunksOf(plays: KeyedMap<number>, counts: Float64Array): Generator<Entry[]> {
  let chunk: Entry[] = [];
  let [at, work] = [0, 0];
  for (const id of plays.keys()) {
    chunk.push([id, counts[at++] as number]);
    work += SONG_WORK + id.length;
    if (work < CHUNK_WORK) continue;
    yield chunk;
    chunk = [];
    work = 0;
  }
  yield chunk;
}

/** @throws {Problem} 400 that quotes the first malformed pair, 413, 415; {Refusal} `overflow`, `too long`. */
async function readPlays(service: Service, { request }: Exchange): Promise<BatchPlays> {
  const type = contentTypeOf(request);
  const accept = [...TEXT_TYPES, JSON_TYPE].join(", ");
  if (type !== undefined && type !== JSON_TYPE && !TEXT_TYPES.includes(type)) {
    throw new Problem(415, `A batch must be sent as ${accept}`, { accept });
  }
  checkEncoding(request, "A batch");
  checkCharset(request);
  const plays = new BatchPlays(service);
  try {
    if (type === JSON_TYPE) {
      const maxBodyBytes = Math.min(service.maxBodyBytes, MAX_JSON_BYTES);
      const text = await readText(request, { ...service, maxBodyBytes });
      await runInTurns(readJsonPairs(text, plays.add));
    } else {
      const pairs = new PairReader(plays.add);
      await readTextPieces(request, service, (text) => pairs.push(text));
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

/** Sums the plays of a batch by song, and refuses a batch as soon as it passes a limit. */
class BatchPlays {
  readonly bySong = new KeyedMap<number>();
  sum = 0;
  readonly #maxSongs: number;
  readonly #maxIdBytes: number;
  readonly #idRule: IdRule;
  readonly #reserve: (bytes: number) => void;
  #pairs = 0;

  constructor({ maxBatchSongs, store, idRule, reserve = () => {} }: Service) {
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
