import type { Random } from "./random.ts";
import { serve } from "./servers.ts";

/** A request as it arrived, and whether its answer was lost. */
export interface Seen {
  asked: string;
  key: string | null;
  body: string;
}

/**
 * A server in front of another one that loses what it is told to: `fate` says of each request whether it is passed on,
 * whether its answer is, or which status is answered in the place of either.
 */
export function serveUnreliably(
  backend: string,
  fate: (request: Seen, at: number) => "well" | "lose request" | "lose answer" | number,
): { url: string; seen: Seen[] } {
  const seen: Seen[] = [];
  const url = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const arrived = {
      asked: `${request.method} ${pathname}`,
      key: request.headers.get("idempotency-key"),
      body,
    };
    const what = fate(arrived, seen.push(arrived) - 1);
    if (typeof what === "number") return new Response("Refused", { status: what });
    if (what === "lose request") return new Response("Lost", { status: 502 });
    const { method, headers } = request;
    const answer = await fetch(backend + pathname, { method, headers, body: body === "" ? null : body });
    return what === "lose answer" ? new Response("Lost", { status: 502 }) : answer;
  });
  return { url, seen };
}

/** Requests that go well in `share` of all cases while it `isOn`, and always while it is not. */
export class Unreliability {
  isOn = false;
  readonly fate: () => "well" | "lose request" | "lose answer";

  constructor(random: Random, share: number) {
    this.fate = () =>
      !this.isOn || random.chance(share) ? "well" : random.pick(["lose request", "lose answer"]);
  }
}
