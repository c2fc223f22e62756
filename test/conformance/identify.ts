import type { Handler } from "../../src/http/handler.ts";

/** Adds the name of the runtime to each answer. */
export function identify(handler: Handler): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = await handler(request);
    // Copied, because answers may share their headers.
    const response = new Response(answer.body, answer);
    response.headers.set("x-runtime", navigator.userAgent);
    return response;
  };
}
