import { settlesWithin } from "../async.ts";
import { type Handler, answerError } from "../http/handler.ts";
import { Problem } from "../http/response/problem.ts";
import { type ListenOptions, type Server, urlOf } from "./server.ts";

/** What is used of Deno's own interface. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; signal: AbortSignal; onListen: () => void },
    handler: Handler,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

export type { ListenOptions, Server } from "./server.ts";

/** Serves `handler` on Deno; fails if the port is taken or the host is not one of this machine's. */
export function serve(handler: Handler, { host, port }: ListenOptions): Server {
  const bodies = new Bodies(handler);
  const cut = new AbortController();
  const options = { hostname: host, port, signal: cut.signal, onListen: () => {} };
  const server = Deno.serve(options, (request) => bodies.handle(request));
  return {
    url: urlOf(host, server.addr.port),
    async stop(graceSeconds) {
      const deadline = performance.now() + graceSeconds * 1000;
      if (!(await settlesWithin(bodies.stop(), graceSeconds))) return cut.abort();
      // Behind its shutdown Deno offers no way to cut off a connection: one that is late ends with the process.
      await settlesWithin(server.shutdown(), (deadline - performance.now()) / 1000);
    },
  };
}

/** Follows the requests whose bodies are being read: `shutdown` of Deno 2.9 makes them unreadable at once. */
class Bodies {
  readonly #handler: Handler;
  readonly #underWay = new Set<Promise<Response>>();
  #isStopping = false;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  handle(request: Request): ReturnType<Handler> {
    if (this.#isStopping && request.body !== null) return answerError(request, new Problem(503, "Stopping"));
    const answer = this.#handler(request);
    if (!(answer instanceof Promise)) return answer;
    this.#underWay.add(answer);
    const forget = () => this.#underWay.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** Takes no more bodies; resolves when those that were taken are read and their requests answered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#underWay);
  }
}
