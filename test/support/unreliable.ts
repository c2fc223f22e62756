import type { Random } from "./random.ts";
import { serve } from "./servers.ts";

/** A request that a proxy has received. */
export interface ReceivedRequest {
  /** Method and path. */
  asked: string;
  key: string | null;
  body: string;
}

/**
 * Starts a proxy that loses requests and answers. `fate` decides for each request: it is forwarded and
 * answered, it is lost, its answer is lost, or it is answered with a status and not forwarded.
 */
export function serveUnreliably(
  backend: string,
  fate: (request: ReceivedRequest, at: number) => "succeed" | "lose request" | "lose answer" | number,
): { url: string; seen: ReceivedRequest[] } {
  const seen: ReceivedRequest[] = [];
  const url = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const arrived = {
      asked: `${request.method} ${pathname}`,
      key: request.headers.get("idempotency-key"),
      body,
    };
    const outcome = fate(arrived, seen.push(arrived) - 1);
    if (typeof outcome === "number") return new Response("Refused", { status: outcome });
    if (outcome === "lose request") return new Response("Lost", { status: 502 });
    const { method, headers } = request;
    const answer = await fetch(backend + pathname, { method, headers, body: body === "" ? null : body });
    return outcome === "lose answer" ? new Response("Lost", { status: 502 }) : answer;
  });
  return { url, seen };
}

/** A fate of requests: while `isOn`, each succeeds with the probability `share`; otherwise all succeed. */
export class Unreliability {
  isOn = false;
  readonly fate: () => "succeed" | "lose request" | "lose answer";

  constructor(random: Random, share: number) {
    this.fate = () =>
      !this.isOn || random.chance(share) ? "succeed" : random.pick(["lose request", "lose answer"]);
  }
}
