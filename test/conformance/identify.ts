import type { Handler } from "../../src/http/handler.ts";

/** Has each answer say which runtime it comes from. */
export function identify(handler: Handler): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = await handler(request);
    // A copy of its own: the headers of an answer may be shared with others.
    const response = new Response(answer.body, answer);
    response.headers.set("x-runtime", navigator.userAgent);
    return response;
  };
}
