import type { Exchange, Service } from "../exchange.ts";
import { readBatch } from "../request/batch-body.ts";
import type { Reserve } from "../request/byte-budget.ts";
import { readKey } from "../request/idempotency-key.ts";
import { MAPPING_SYNTAX } from "../../mapping/write.ts";
import { checkConditions, conditionsOf } from "../request/preconditions.ts";
import { prefersMinimal } from "../request/prefer.ts";
import { listBody } from "../response/list-body.ts";
import { reply, replyMinimal } from "../response/reply.ts";

/** `POST /batch`: adds a whole mapping atomically, and answers the new counts of its songs. */
export function addBatch(service: Service, exchange: Exchange): Promise<Response> {
  return service.batchBytes.run((reserve) => addWithin(service, exchange, reserve));
}

async function addWithin(service: Service, exchange: Exchange, reserve: Reserve): Promise<Response> {
  const { request, headers, format } = exchange;
  const key = readKey(headers, service.isManager);
  checkConditions(conditionsOf(headers), false);
  const plays = await readBatch(request, service, reserve);
  const { counts, fold } = await service.store.addAll(plays, key);
  service.metrics.countPlays(plays.sum);
  if (prefersMinimal(headers.get("prefer"))) return replyMinimal(fold);
  const body = await listBody(plays.chunks(counts), MAPPING_SYNTAX[format]);
  return reply(exchange, body, service.foldHeaders.for(format, fold));
}
