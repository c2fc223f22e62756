import type { DatabaseSync } from "node:sqlite";
import { type HashKey, hashWords } from "../../../hash.ts";
import { MAX_COUNT } from "../../count-store.ts";
import type { PackedBatch } from "../../packed-batch.ts";
import { LENGTH_BYTES, readId, wordsOfId } from "../../packed-id.ts";
import { Refusal } from "../../refusal.ts";
import { unescapeByte } from "./id-column.ts";

/** Songs of a part, which is appended in about 6 ms, in one step of the thread that does it. */
const PART_SONGS = 16384;

const [ESCAPE, COMMA, ZERO] = [0x25, 0x2c, 0x30];

/** Songs of a fold, as SQLite joins them: an object for each row would take as long as the rest. */
interface SongPart {
  /** Their escaped ids in UTF-8, separated by zeros. */
  ids: Uint8Array;
  /** Their plays, separated by commas. */
  plays: string;
}

/** Settings of packed ids. */
type Packing = Readonly<{ hashKey: HashKey; maxIdBytes: number }>;

/**
 * Reads the songs of a fold in parts. A row whose id is no text is left out, and one whose plays are no whole
 * number changes the plays of others: the digest of the fold finds both.
 *
 * @throws {Refusal} `too long`; `overflow`
 */
export function* readParts(sqlite: DatabaseSync, fold: number, packing: Packing): Generator<PackedBatch> {
  // A BLOB follows every text, so an empty one bounds the last part. Bounds leave SQLite as BLOBs, which have
  // the same bytes on every runtime.
  const read = sqlite.prepare(`
    WITH
      remaining AS (SELECT id, plays FROM song WHERE fold = ? AND id >= CAST(? AS TEXT)),
      part AS (SELECT ifnull((SELECT id FROM remaining ORDER BY id LIMIT 1 OFFSET ${PART_SONGS}), x'') AS end)
    SELECT
      CAST(group_concat(id, char(0)) AS BLOB) AS ids, group_concat(plays) AS plays, CAST(end AS BLOB) AS end
    FROM part CROSS JOIN remaining WHERE id < end`);
  let start: Uint8Array = new Uint8Array();
  do {
    const { ids, plays, end } = read.get(fold, start) as unknown as SongPart & { end: Uint8Array };
    if (ids === null) return; // no songs
    yield pack({ ids, plays }, packing);
    start = end;
  } while (start.length > 0);
}

/** Packs and hashes songs. */
function pack({ ids, plays }: SongPart, { hashKey: [key0, key1], maxIdBytes }: Packing): PackedBatch {
  // An id's hash, length and zeros take less than 3 words.
  const words = new Int32Array((ids.length >> 2) + PART_SONGS * 3);
  const bytes = new Uint8Array(words.buffer);
  const batch = { words, idPositions: new Int32Array(PART_SONGS), plays: new Float64Array(PART_SONGS) };
  let size = 0;
  // Three statements: variables of one pattern make JavaScriptCore's code for the loop four times slower.
  let from = 0;
  let at = 0;
  let digit = 0;
  do {
    batch.idPositions[size] = at;
    const start = (at + 1) * 4 + LENGTH_BYTES;
    let end = start;
    for (; from < ids.length && ids[from] !== 0; from++) {
      let byte = ids[from] as number;
      if (byte === ESCAPE) {
        byte = unescapeByte(ids, from);
        from += 2;
      }
      bytes[end++] = byte;
    }
    const length = end - start;
    if (length > maxIdBytes) throw Refusal.tooLong(maxIdBytes, readId(bytes, start, end));
    words[at + 1]! |= length;
    const idWords = wordsOfId(length);
    words[at] = hashWords(words, at + 1, idWords, key0, key1);
    at += 1 + idWords;
    let count = 0;
    for (; digit < plays.length && plays.charCodeAt(digit) !== COMMA; digit++)
      count = count * 10 + (plays.charCodeAt(digit) - ZERO);
    if (!(count >= 0 && count <= MAX_COUNT)) throw Refusal.overflow(0, count);
    batch.plays[size++] = count;
    digit++;
  } while (ids[from++] === 0 && size < PART_SONGS);
  return { ...batch, size };
}
