import type { Format } from "../../mapping/write.ts";
import type { Problem } from "./problem.ts";

/** What an answer depends on. */
interface ReplyContext {
  method: string;
  format: Format;
}

/** Status, 200 unless told, and headers of an answer. */
export interface ReplyInit {
  status?: number;
  headers: Headers;
}

const TYPES: Record<Format, string> = { text: "text/plain;charset=utf-8", json: "application/json" };

/** Headers of an answer in `format`, others in addition. The content type is never left to the runtime. */
export function headersFor(format: Format, others: Readonly<Record<string, string>>): Headers {
  return new Headers({ "content-type": TYPES[format], vary: "Accept", ...others });
}

// Shared by all answers that are not to be stored: making headers for each would cost more than counting.
const NOT_STORED: Record<Format, ReplyInit> = {
  text: { headers: headersFor("text", { "cache-control": "no-store" }) },
  json: { headers: headersFor("json", { "cache-control": "no-store" }) },
};

/**
 * Answers with `body`, or to `HEAD` with everything but it. Unless `init` says otherwise the status is 200 and the
 * answer is not to be stored.
 */
export function reply(
  { method, format }: ReplyContext,
  body: string | ReadableStream<Uint8Array>,
  init: ReplyInit = NOT_STORED[format],
): Response {
  return method === "HEAD" ? withoutBody(body, init) : new Response(body, init);
}

/** The headers of answers to plays, made once for each fold: there are many plays between two of them. */
export class FoldHeaders {
  #fold = -1;
  #inits: Record<Format, ReplyInit> = NOT_STORED;

  /** Those of an answer that says `Fold: n`, the newest fold that was sealed before the play was counted. */
  for(format: Format, fold: number): ReplyInit {
    if (fold !== this.#fold) {
      const others = { "cache-control": "no-store", fold: String(fold) };
      this.#inits = {
        text: { headers: headersFor("text", others) },
        json: { headers: headersFor("json", others) },
      };
      this.#fold = fold;
    }
    return this.#inits[format];
  }
}

/** Answers a play whose client has no use for the new count (RFC 7240 §4.2). */
export function replyMinimal(fold: number): Response {
  const headers = {
    "cache-control": "no-store",
    fold: String(fold),
    "preference-applied": "return=minimal",
  };
  return new Response(null, { status: 204, headers });
}

/** Answers that something was done, when there is no more to say than that. */
export function replyDone(exchange: ReplyContext): Response {
  return reply(exchange, exchange.format === "json" ? '{"status":"ok"}' : "OK");
}

/**
 * Answers a request that is refused, in the format that its client prefers. In either format the type, if the problem
 * has one, is also in a `Link`, so that a client of text need not read the sentence.
 */
export function replyProblem(exchange: ReplyContext, problem: Problem, basePath: string): Response {
  const isJson = exchange.format === "json";
  const headers = headersFor(exchange.format, { "cache-control": "no-store", ...problem.headers });
  if (isJson) headers.set("content-type", "application/problem+json");
  const type = problem.typeReference(basePath);
  if (type !== undefined) headers.set("link", `<${type}>; rel="type"`);
  const body = isJson ? problem.toJson(basePath) : problem.toText();
  return reply(exchange, body, { status: problem.status, headers });
}

/**
 * Runtimes give a null body the length 0, which would be untrue of the answer to `GET` (RFC 9110 §8.6), so the
 * length is stated; or, where only writing it all would tell, a stream without content stands for the real one.
 */
function withoutBody(body: string | ReadableStream<Uint8Array>, init: ReplyInit): Response {
  if (typeof body !== "string") {
    body.cancel().catch(() => {});
    return new Response(emptyStream(), init);
  }
  const headers = new Headers(init.headers);
  headers.set("content-length", String(new TextEncoder().encode(body).length));
  return new Response(null, { ...init, headers });
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array()); // without a chunk Bun takes the stream for a body of length 0
      controller.close();
    },
  });
}
