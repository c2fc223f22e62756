import { elementModule, pageScript } from "../../browser/sources.ts";
import { hash64 } from "../../hash.ts";
import type { Exchange, Service } from "../exchange.ts";
import { headersOf, reply } from "../response/reply.ts";
import { pageText, STYLE } from "./page-text.ts";

/** `GET /` for a browser: a page for people. */
export async function getPage({ resource }: Service, exchange: Exchange): Promise<Response> {
  const script = pageScript(resource);
  const policy = [
    "default-src 'none'",
    `script-src ${await sourceHash(script)}`,
    `style-src ${await sourceHash(STYLE)}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return replyTagged(exchange, pageText(script), "text/html;charset=utf-8", {
    vary: "Accept",
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
  });
}

/** `GET /play-count.js`: the module that defines `<play-count>`, for pages of every origin. */
export function getElement({ resource }: Service, exchange: Exchange): Response {
  return replyTagged(exchange, elementModule(resource), "text/javascript;charset=utf-8", {
    "cache-control": "public, max-age=3600",
    "access-control-allow-origin": "*",
  });
}

/** `GET /openapi.json`: the description of the whole interface, always in JSON. */
export function getDocument({ document }: Service, exchange: Exchange): Response {
  return replyTagged(exchange, document(), "application/json");
}

/** Answers a text of a media type. Its entity tag is a digest. Default: `Cache-Control: no-cache`. */
function replyTagged(
  exchange: Exchange,
  text: string,
  type: string,
  others: Readonly<Record<string, string>> = {},
): Response {
  const etag = `"${hash64(text).join("-")}"`;
  return reply(exchange, text, {
    headers: headersOf(type, { "cache-control": "no-cache", etag, ...others }),
  });
}

/** Returns the source of an inline script or style for a policy (CSP 3 §2.3.1). */
async function sourceHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
