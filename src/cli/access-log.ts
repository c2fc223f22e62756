import { whenReady } from "../async/awaitable.ts";
import type { Handler } from "../http/handler.ts";
import { type LogFormat, writeLine } from "./log.ts";

/**
 * Returns a handler that also logs each request, with its status and the milliseconds until its answer began.
 * No line has a client's address or a header.
 */
export function logRequests(handler: Handler, format: LogFormat): Handler {
  return (request) => {
    const startedAt = performance.now();
    return whenReady(handler(request), (response) => {
      const ms = Number((performance.now() - startedAt).toFixed(2));
      const { method } = request;
      const { status } = response;
      const path = pathOf(request.url);
      writeLine(
        format === "text"
          ? `playcount: ${method} ${path} ${status} ${ms} ms`
          : JSON.stringify({ time: new Date().toISOString(), level: "info", method, path, status, ms }),
      );
      return response;
    });
  };
}

/** Returns path and query of a URL, which may be relative, in printable ASCII. */
function pathOf(url: string): string {
  return url.replace(/^[a-z+]+:\/\/[^/]*/, "").replace(/[^!-~]/gu, (letter) => encodeURIComponent(letter));
}
