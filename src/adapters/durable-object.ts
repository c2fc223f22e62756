/**
 * The whole play counter on Cloudflare: a Durable Object, and a Worker that passes requests on to it.
 *
 * @example
 * ```ts
 * // worker.ts
 * export { default, PlayCounter } from "playcount/durable-object";
 * ```
 *
 * @module
 */

import { type Awaitable, whenReady } from "../async/awaitable.ts";
import { quoted } from "../error-message.ts";
import { shareWith } from "../http/cors.ts";
import { beginExchange } from "../http/exchange.ts";
import { Guard } from "../http/guard.ts";
import { answerError, createHandler, type Handler } from "../http/handler.ts";
import { parseTarget } from "../http/request/target.ts";
import { Problem } from "../http/response/problem.ts";
import { type Environment, environmentLookup, noteIgnored } from "../settings/environment.ts";
import { readSettings, type Settings } from "../settings/settings.ts";
import { ObjectStore } from "../store/object/object-store.ts";
import type { ObjectStorage, SqlValue } from "../store/object/schema.ts";
import { Refusal, UnknownOutcome } from "../store/refusal.ts";

export type { Awaitable, Environment, Handler, ObjectStorage, SqlValue };

/** The state of a Durable Object, as Cloudflare passes it to the constructor. */
export interface ObjectState {
  /** Identity of the object: the number of its counter. */
  id: { name?: string | undefined };
  /** SQLite storage of the object. */
  storage: ObjectStorage;
}

/** The bindings of the Worker: these, and settings by the names of their environment variables. */
export interface CounterBindings extends Environment {
  /** The namespace of {@linkcode PlayCounter}. */
  PLAY_COUNTER: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
  /** Number of counters, 1 to 1000. Default: 1. */
  COUNTERS?: number | string;
}

/**
 * One counter: a Durable Object with SQLite storage, and the whole HTTP interface. An answered play is
 * durable.
 *
 * Export it from the module of a Worker, with the default export of this module. The settings are bindings
 * with the names of the environment variables. Without the secret `PLAYCOUNT_TOKEN`, every client can clear
 * the counts. docs/cloudflare.md has a whole project.
 *
 * @example
 * ```ts
 * export { default, PlayCounter } from "playcount/durable-object";
 * ```
 */
export class PlayCounter {
  readonly #handle: Handler;

  /**
   * Opens the counts of an object.
   *
   * @throws {RangeError} if a setting is invalid.
   */
  constructor({ id, storage }: ObjectState, bindings: Environment) {
    const settings = readSettings(environmentLookup(bindings));
    const basePath = `${settings.basePath}${counterCount(bindings) === 1 ? "" : `/${id.name}`}`;
    for (const note of noteIgnored(bindings)) console.error(`playcount: ${note}`);
    if (settings.token === "")
      console.error("playcount: warning: every client can clear all counts; set the secret PLAYCOUNT_TOKEN");
    const store = new ObjectStore(storage, settings);
    this.#handle = createHandler(store, { ...settings, basePath, trustsLength: true });
  }

  /** Answers a request. */
  fetch(request: Request): ReturnType<Handler> {
    return whenReady(this.#handle(request), dated);
  }
}

/**
 * The Worker: passes requests on to the counter. With `COUNTERS` set to n it has n counters, each of which is
 * a server of its own, below `/0` to `/n-1`.
 */
const worker: { fetch(request: Request, bindings: CounterBindings): Promise<Response> } = {
  async fetch(request, bindings) {
    let front: Front | undefined;
    try {
      front = frontOf(bindings);
      front.guard.allowsHost(request.headers.get("host"));
      return await bindings.PLAY_COUNTER.getByName(counterOf(request, front)).fetch(request);
    } catch (error) {
      if (front === undefined) return dated(answerError(request, error)); // an invalid setting
      return dated(await refuse(request, meant(error, request.method), front));
    }
  },
};
export default worker;

/** The settings of the Worker. */
interface Front {
  count: number;
  settings: Settings;
  guard: Guard;
}

const fronts = new WeakMap<CounterBindings, Front>();

/** @throws {RangeError} if a setting is invalid. */
function frontOf(bindings: CounterBindings): Front {
  const known = fronts.get(bindings);
  if (known !== undefined) return known;
  const settings = readSettings(environmentLookup(bindings));
  const front = { count: counterCount(bindings), settings, guard: new Guard(settings) };
  fronts.set(bindings, front);
  return front;
}

/** Returns the name of the counter that a request is for: its number. */
function counterOf(request: Request, { count, settings: { basePath: base } }: Front): string {
  const { path } = parseTarget(request.url);
  if (count === 1) return "0";
  const [, name] = (path.startsWith(base) && /^\/(0|[1-9]\d*)\//.exec(path.slice(base.length))) || [];
  if (name === undefined || Number(name) >= count)
    throw new Problem(404, `The counters are below ${base}/0/ to ${base}/${count - 1}/`);
  return name;
}

/** Answers an error. A page of an allowed origin can read the answer. */
async function refuse(request: Request, error: unknown, { settings, guard }: Front): Promise<Response> {
  const fail = () => answerError(request, error, settings);
  const origin = request.headers.get("origin");
  const isShared = origin !== null && guard.isAllowedOrigin(origin);
  const answer = isShared ? await shareWith(origin, beginExchange(request), settings, fail) : fail();
  if (guard.hasOrigins) answer.headers.append("vary", "Origin");
  return answer;
}

function counterCount({ COUNTERS = 1 }: Environment): number {
  if (/^(?:[1-9]\d{0,2}|1000)$/.test(String(COUNTERS))) return Number(COUNTERS);
  throw new RangeError(`COUNTERS must be a whole number from 1 to 1000, not ${quoted(String(COUNTERS))}`);
}

/** Returns the meaning of an error of `fetch`. The runtime rejects an overload before the object has it. */
function meant(error: unknown, method: string): unknown {
  if (error instanceof Problem) return error;
  console.error(error);
  if ((error as { overloaded?: boolean }).overloaded) return Refusal.unavailable("The counter is overloaded");
  return method === "GET" || method === "HEAD" ? new Problem(500) : new UnknownOutcome();
}

/** Adds the `Date` that an answer must have (RFC 9110 §6.6.1): workerd adds none. */
function dated(answer: Response): Response {
  answer.headers.set("date", new Date().toUTCString());
  return answer;
}
