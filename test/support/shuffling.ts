import type { Random } from "./random.ts";
import { serve } from "./servers.ts";

/** Starts a proxy that shuffles the songs of every fold, as a durable server does when it restarts. */
export function serveShuffled(backend: string, random: Random): string {
  return serve(async (request) => {
    const { pathname } = new URL(request.url);
    const { method, headers } = request;
    const body = method === "POST" ? await request.text() : null;
    const answer = await fetch(backend + pathname, { method, headers, body });
    if (!/^\/folds\/\d+$/.test(pathname) || !["GET", "PUT"].includes(method)) return answer;
    const pairs = (await answer.text()).split(",").map((pair) => ({ pair, at: random.next() }));
    const shuffled = pairs.sort((a, b) => a.at - b.at).map(({ pair }) => pair);
    return new Response(shuffled.join(","), {
      status: answer.status,
      headers: { "content-type": "text/plain" },
    });
  });
}
