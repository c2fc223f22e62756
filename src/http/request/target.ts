import { canonicalHost } from "../../settings/hosts.ts";
import { Problem } from "../response/problem.ts";

/**
 * Target of a request. Its path and query stay parts of the URL until they are asked for: most routes compare
 * them where they stand, and each string would cost an allocation.
 */
export class Target {
  readonly url: string;
  /** Index of the slash that begins the path. */
  readonly start: number;
  /** Index of the question mark that begins the query, or the length of the URL. */
  readonly end: number;

  constructor(url: string, start: number, end: number) {
    this.url = url;
    this.start = start;
    this.end = end;
  }

  /** Begins with `/`. Dot segments and backslashes are resolved, percent-encodings are unchanged. */
  get path(): string {
    return this.url.slice(this.start, this.end);
  }

  /** Begins with `?`, or is empty. */
  get query(): string {
    return this.url.slice(this.end);
  }
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
  if (PLAIN.test(url)) return new Target(url, url.indexOf("/", 8), url.length);
  if (!HTTP.test(url)) throw notAbsolute();
  const start = url.indexOf("/", 8);
  const mark = url.indexOf("?", start);
  return RAW.test(url.slice(start))
    ? normalise(url)
    : new Target(url, start, mark === -1 ? url.length : mark);
}

function normalise(url: string): Target {
  const parsed = URL.parse(url);
  if (parsed === null) throw notAbsolute();
  const { origin, pathname, search } = parsed;
  const start = origin.length;
  return new Target(origin + pathname + search, start, start + pathname.length);
}

function notAbsolute(): Problem {
  return new Problem(400, "The request needs one valid Host and a path that begins with a slash");
}

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** Returns true if `host` is one host with an optional port (RFC 9112 §3.2), not two joined by a comma. */
export function isHost(host: string): boolean {
  return HOST.test(host);
}

/** Returns the name or address of a `Host` in canonical form, without the port. */
export function hostNameOf(host: string): string {
  return canonicalHost(host.replace(/:\d*$/, ""));
}
