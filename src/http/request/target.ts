import { Problem } from "../response/problem.ts";

/** What a request is for: a path, as the URL standard writes it, and the query behind it. */
export interface Target {
  /** Begins with `/`; dot segments and backslashes resolved, percent-encodings as they came. */
  path: string;
  /** With its `?`, or empty. */
  query: string;
}

/** Scheme, a host of whatever kind, and the slash that begins the path. */
const HTTP = /^https?:\/\/[^/?#\\]+\//;

/** What nearly every request has: nothing in its path that could be written otherwise, and no query. */
const PLAIN = /^https?:\/\/[^/?#\\]+\/[\w/-]*$/;

/** What a runtime may hand on raw although the URL standard rewrites it: fragment, `\`, non-ASCII, dot segments. */
const RAW = /[#\\]|[\x80-\uffff]|\/(?:\.|%2e)/i;

/**
 * Takes apart `request.url`, which is not the same everywhere: some runtimes hand on the target as it
 * arrived, others a normalised URL, and a relative one where `Host` is missing or broken.
 *
 * @throws {Problem} 400 if it is not an absolute `http:` or `https:` URL with a path.
 */
export function parseTarget(url: string): Target {
  // "http://" and "https://" end at 7 and 8, and a host has a character at least.
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

/** Whether `host` is one host with an optional port (RFC 9112 §3.2), and not two that were joined by a comma. */
export function isHost(host: string): boolean {
  return HOST.test(host);
}

/** The name or address in a `Host`, in lower case and without the port; an IPv6 address in its brackets. */
export function hostNameOf(host: string): string {
  return host.replace(/:\d*$/, "").toLowerCase();
}
