import { WorkSlice } from "../../async/turns.ts";
import type { KeyedMap } from "../../keyed-map.ts";
import type { Exchange, Service } from "../exchange.ts";
import { readBatch } from "../request/batch-body.ts";
import type { Reserve } from "../request/byte-budget.ts";
import { readKey } from "../request/idempotency-key.ts";
import { MAPPING_SYNTAX, writeList } from "../../mapping/write.ts";
import { checkConditions, conditionsOf } from "../request/preconditions.ts";
import { prefersMinimal } from "../request/prefer.ts";
import { listBody } from "../response/list-body.ts";
import { reply, replyMinimal } from "../response/reply.ts";
import type { Entry } from "../../store/count-store.ts";

/**
 * Work of a chunk of an answer, in code units: the id of each song, and about 60 more. Writing it takes about
 * a millisecond.
 */
const [CHUNK_WORK, SONG_WORK] = [64 * 1024, 60];

/** `POST /batch`: adds a whole mapping atomically, and answers the new counts of its songs. */
export function addBatch(service: Service, exchange: Exchange): Promise<Response> {
  return service.batchBytes.run((reserve) => addWithin(service, exchange, reserve));
}

async function addWithin(service: Service, exchange: Exchange, reserve: Reserve): Promise<Response> {
  const { request, headers, format } = exchange;
  const key = readKey(headers, service.isManager);
  checkConditions(conditionsOf(headers), false);
  const plays = await readBatch(request, service, reserve);
  const { counts, fold } = await service.store.addAll(plays.bySong, key);
  service.metrics.countPlays(plays.sum);
  if (prefersMinimal(headers.get("prefer"))) return replyMinimal(fold);
  const syntax = MAPPING_SYNTAX[format];
  const [first = []] = chunksOf(plays.bySong, counts);
  const isSmall = first.length === counts.length;
  const body = isSmall ? writeList(syntax, first) : await listBody(chunksOf(plays.bySong, counts), syntax);
  return reply(exchange, body, service.foldHeaders.for(format, fold));
}

function* chunksOf(plays: KeyedMap<number>, counts: Float64Array): Generator<Entry[]> {
  let chunk: Entry[] = [];
  const slice = new WorkSlice(CHUNK_WORK);
  let at = 0;
  for (const id of plays.keys()) {
    chunk.push([id, counts[at++] as number]);
    if (!slice.isFull(SONG_WORK + id.length)) continue;
    yield chunk;
    chunk = [];
  }
  yield chunk;
}
