import type { Format } from "../../mapping/write.ts";
import type { Problem } from "./problem.ts";

/** The parts of a request that every answer depends on. */
interface ReplyContext {
  method: string;
  format: Format;
}

/** Status and headers of an answer. Default status: 200. */
export interface ReplyInit {
  status?: number;
  headers: Headers;
}

const CONTENT_TYPES: Record<Format, string> = { text: "text/plain;charset=utf-8", json: "application/json" };

/** Headers of every answer. */
const ALWAYS = { "x-content-type-options": "nosniff" };

/** Makes the headers of an answer in `format`, which `Accept` decided. */
export function headersFor(format: Format, others: Readonly<Record<string, string>>): Headers {
  return headersOf(CONTENT_TYPES[format], { vary: "Accept", ...others });
}

/** Makes the headers of an answer of a media type. It is never left to the runtime. */
export function headersOf(type: string, others: Readonly<Record<string, string>>): Headers {
  return new Headers({ "content-type": type, ...ALWAYS, ...others });
}

/**
 * Makes the init that all answers with these headers share. It is a `Response`, whose headers Bun
 * copies in three quarters of the time that those of a plain object take.
 */
function template(format: Format, others: Readonly<Record<string, string>>): ReplyInit {
  return new Response(null, { headers: headersFor(format, { "cache-control": "no-store", ...others }) });
}

const NO_STORE: Record<Format, ReplyInit> = { text: template("text", {}), json: template("json", {}) };

/**
 * Answers with `body`, which is left out for `HEAD`. Default of `init`: status 200, and `Cache-Control:
 * no-store`.
 */
export function reply(
  { method, format }: ReplyContext,
  body: string | ReadableStream<Uint8Array>,
  init: ReplyInit = NO_STORE[format],
): Response {
  return method === "HEAD" ? withoutBody(body, init) : new Response(body, init);
}

/** Headers of answers about songs and folds. They are made once a fold, and shared until the next fold. */
export class FoldHeaders {
  #fold = -1;
  #inits: Record<Format, ReplyInit> = NO_STORE;

  /** Returns headers with `Fold: n`: the newest sealed fold; of a play, the newest one before it. */
  for(format: Format, fold: number): ReplyInit {
    if (fold !== this.#fold) {
      const others = { fold: String(fold) };
      this.#inits = { text: template("text", others), json: template("json", others) };
      this.#fold = fold;
    }
    return this.#inits[format];
  }
}

/** Answers without a body. */
export function replyEmpty(status: 204 | 304, others: Readonly<Record<string, string>>): Response {
  return new Response(null, { status, headers: new Headers({ ...ALWAYS, ...others }) });
}

/** Answers a play whose client does not need the new count (RFC 7240 §4.2). */
export function replyMinimal(fold: number): Response {
  return replyEmpty(204, {
    "cache-control": "no-store",
    fold: String(fold),
    "preference-applied": "return=minimal",
  });
}

/** Answers a request that was done and has no result. */
export function replyDone(exchange: ReplyContext): Response {
  return reply(exchange, exchange.format === "json" ? '{"status":"ok"}' : "OK");
}

/**
 * Answers a request that is refused, in the format that its client prefers. In either format the type, if the
 * problem has one, is also in a `Link`, so that a client of text need not read the sentence.
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
 * Answers `HEAD` with the headers of `GET` (RFC 9110 §8.6).
 *
 * Runtimes send `Content-Length: 0` with a null body, so the real length is set. That of a stream is unknown:
 * an empty stream takes its place. Bun sends no `Date`, so it is set.
 */
function withoutBody(body: string | ReadableStream<Uint8Array>, init: ReplyInit): Response {
  const headers = new Headers(init.headers);
  headers.set("date", new Date().toUTCString());
  const { status = 200 } = init;
  if (typeof body !== "string") {
    body.cancel().catch(() => {});
    return new Response(emptyStream(), { status, headers });
  }
  headers.set("content-length", String(new TextEncoder().encode(body).length));
  return new Response(null, { status, headers });
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array()); // without a chunk Bun would send Content-Length: 0
      controller.close();
    },
  });
}
