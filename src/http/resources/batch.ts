import { quoted } from "../../error-message.ts";
import { type BodyLimits, contentTypeOf, readText, readTextPieces, checkEncoding } from "../request/body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { readKey } from "../request/idempotency-key.ts";
import { MAPPING_SYNTAX, writeList } from "../../mapping/write.ts";
import { MappingReader, parseJsonMapping } from "../../mapping/read.ts";
import { refuseConditions } from "../request/preconditions.ts";
import { prefersMinimal } from "../request/prefer.ts";
import { Problem } from "../response/problem.ts";
import { reply, replyMinimal } from "../response/reply.ts";
import { type Entry, isTooLong } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";

/**
 * Largest batch in JSON, in bytes: a client could choose ids that collide in the engine's hash, which has no
 * key.
 */
const MAX_JSON_BYTES = 64 * 1024;

const JSON_TYPE = "application/json";
/** The form type is the one that `curl -d` sends with any data. */
const TEXT_TYPES = ["text/plain", "application/x-www-form-urlencoded"];

/** `POST /batch`: adds a whole mapping atomically, and answers the new counts of its songs. */
export async function addBatch(service: Service, exchange: Exchange): Promise<Response> {
  const { request, format } = exchange;
  refuseConditions(request.headers);
  const key = readKey(request.headers, service.isManager);
  const plays = await readPlays(service, exchange);
  const { counts, fold } = await service.store.addAll(plays, key);
  if (prefersMinimal(request.headers.get("prefer"))) return replyMinimal(fold);
  const totals = Array.from(plays.keys(), (id, at): Entry => [id, counts[at] as number]);
  return reply(exchange, writeList(MAPPING_SYNTAX[format], totals), service.foldHeaders.for(format, fold));
}

/** @throws {Problem} 400 that quotes the first malformed pair, 413, 415; {Refusal} `overflow`. */
async function readPlays(service: Service, { request }: Exchange): Promise<ReadonlyMap<string, number>> {
  const type = contentTypeOf(request);
  const accept = [...TEXT_TYPES, JSON_TYPE].join(", ");
  if (type !== undefined && type !== JSON_TYPE && !TEXT_TYPES.includes(type)) {
    throw new Problem(415, `A batch must be sent as ${accept}`, { accept });
  }
  checkEncoding(request, "A batch");
  try {
    const plays =
      type === JSON_TYPE
        ? parseJsonMapping(
            await readText(request, {
              ...service,
              maxBodyBytes: Math.min(service.maxBodyBytes, MAX_JSON_BYTES),
            }),
          )
        : await readTextMapping(request, service);
    checkLengths(plays, service.store.maxIdBytes);
    return plays;
  } catch (error) {
    if (error instanceof SyntaxError) throw new Problem(400, error.message);
    if (error instanceof RangeError) throw new Refusal("overflow", error.message);
    throw error;
  }
}

async function readTextMapping(request: Request, limits: BodyLimits): Promise<ReadonlyMap<string, number>> {
  const reader = new MappingReader();
  await readTextPieces(request, limits, (text) => reader.push(text));
  return reader.finish();
}

/** @throws {SyntaxError} that quotes the first id longer than `maxIdBytes`. */
function checkLengths(plays: ReadonlyMap<string, number>, maxIdBytes: number): void {
  for (const id of plays.keys()) {
    if (!isTooLong(id, maxIdBytes)) continue;
    throw new SyntaxError(`Cannot read a mapping: the id ${quoted(id)} is longer than ${maxIdBytes} bytes`);
  }
}
