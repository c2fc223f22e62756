import { Problem } from "../response/problem.ts";

/** Target of a request: a path, as the URL standard writes it, and the query. */
export interface Target {
  /** Begins with `/`. Dot segments and backslashes are resolved, percent-encodings are unchanged. */
  path: string;
  /** Begins with `?`, or is empty. */
  query: string;
}

/** Scheme, any host, and the slash that begins the path. */
const HTTP = /^https?:\/\/[^/?#\\]+\//;

/** The URL of nearly every request: a path that needs no normalising, and no query. */
const PLAIN = /^https?:\/\/[^/?#\\]+\/[\w/-]*$/;

/** Parts that the URL standard rewrites, but some runtimes do not: fragment, `\`, non-ASCII, dot segments. */
const RAW = /[#\\]|[\x80-\uffff]|\/(?:\.|%2e)/i;

/**
 * Splits `request.url`, which depends on the runtime: the target as it arrived, a normalised URL, or a
 * relative one if `Host` is missing or malformed.
 *
 * @throws {Problem} 400 for anything but an absolute `http:` or `https:` URL with a path.
 */
export function parseTarget(url: string): Target {
  // "http://" and "https://" end at 7 and 8, and a host has at least one character.
  if (PLAIN.test(url)) return { path: url.slice(url.indexOf("/", 8)), query: "" };
  if (!HTTP.test(url)) throw notAbsolute();
  const start = url.indexOf("/", 8);
  const mark = url.indexOf("?", start);
  const path = mark === -1 ? url.slice(start) : url.slice(start, mark);
  const query = mark === -1 ? "" : url.slice(mark);
  return RAW.test(path) || RAW.test(query) ? normalise(url) : { path, query };
}

function normalise(url: string): Target {
  const parsed = URL.parse(url);
  if (parsed === null) throw notAbsolute();
  return { path: parsed.pathname, query: parsed.search };
}

function notAbsolute(): Problem {
  return new Problem(400, "The request needs one valid Host and a path that begins with a slash");
}

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** Tells whether `host` is one host with an optional port (RFC 9112 §3.2), not two joined by a comma. */
export function isHost(host: string): boolean {
  return HOST.test(host);
}

/**
 * Returns the name or address of a `Host`, in lower case and without the port; an IPv6 address has brackets.
 */
export function hostNameOf(host: string): string {
  return host.replace(/:\d*$/, "").toLowerCase();
}
