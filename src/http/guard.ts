import { checkSetting, type GivenSettings } from "../settings/settings.ts";
import { Problem } from "./response/problem.ts";
import { hostNameOf, isHost } from "./request/target.ts";

/** Permission that an operation requires: to read, to count plays one by one, or to do everything else. */
export type Scope = "read" | "play" | "manage";

/** Access rules of a handler: the settings of the same names. Lists are also taken as arrays. */
export interface GuardOptions extends GivenSettings<"token" | "playToken"> {
  /** Origins of other sites whose pages may read and play. Default: none. */
  corsOrigins?: string | readonly string[] | undefined;
  /** Host names to serve. Default: all. */
  allowedHosts?: string | readonly string[] | undefined;
}

const CHALLENGE = { "www-authenticate": "Bearer" };
const BAD_TOKEN = { "www-authenticate": 'Bearer error="invalid_token"' };
const TOO_LITTLE = { "www-authenticate": 'Bearer error="insufficient_scope"' };

/** Refuses requests that are not allowed, by host, origin and token. */
export class Guard {
  readonly #token: string | undefined;
  readonly #playToken: string | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: readonly string[] | undefined;
  /** The last `Host` that passed: nearly all requests have the same one. */
  #passed: string | null = null;

  /** @throws {RangeError} for an option out of its range, or for a `playToken` without a `token`. */
  constructor(options: GuardOptions) {
    this.#token = checkSetting("token", options.token) || undefined;
    this.#playToken = checkSetting("playToken", options.playToken) || undefined;
    if (this.#playToken !== undefined && this.#token === undefined)
      throw new RangeError(
        "playToken requires token: otherwise every client could clear the counts, and only some could play",
      );
    this.#origins = new Set(listOf("corsOrigins", options.corsOrigins));
    const hosts = listOf("allowedHosts", options.allowedHosts);
    this.#hosts = hosts.length === 0 ? undefined : hosts;
  }

  /**
   * Returns true if a `Host` names this server. Any other is to be refused: a page may have its own name
   * resolve to this address (DNS rebinding). `null` passes: a `Request` made in this process has no `Host`.
   *
   * @throws {Problem} 400 if it is not one host name.
   */
  allowsHost(host: string | null): boolean {
    if (host === null || host === this.#passed) return true;
    if (!isHost(host)) throw new Problem(400, "Host must be one host name, with or without a port");
    if (!this.#isAllowed(hostNameOf(host))) return false;
    this.#passed = host;
    return true;
  }

  /** True if pages of other origins are allowed. */
  get hasOrigins(): boolean {
    return this.#origins.size > 0;
  }

  /** Returns true if an origin is one of the allowed ones. */
  isAllowedOrigin(origin: string): boolean {
    return this.#origins.has(withoutDefaultPort(origin));
  }

  /**
   * Refuses a page of another origin, unless that is allowed. A browser sets `Sec-Fetch-Site`, which a page
   * cannot: with `same-origin` the page is of this server, whatever `Host` a proxy sends.
   *
   * @returns true if the answer needs CORS headers.
   * @throws {Problem} 403
   */
  checkOrigin(origin: string, host: string, site: string | null): boolean {
    if (this.isAllowedOrigin(origin)) return true;
    if (site === "same-origin") return false;
    // Compares the host only: a proxy may serve the page over another scheme.
    const [scheme] = /^https?:\/\//.exec(origin) ?? [];
    if (
      scheme !== undefined &&
      withoutDefaultPort(origin) === withoutDefaultPort(scheme + host.toLowerCase())
    )
      return false;
    throw new Problem(403, "Pages of this origin are not allowed here");
  }

  /**
   * Refuses a write that a page of another site has a browser send without an `Origin`.
   *
   * @throws {Problem} 403
   */
  checkSite(method: string, headers: Headers): void {
    if (method !== "GET" && method !== "HEAD" && headers.get("sec-fetch-site") === "cross-site")
      throw new Problem(403, "Pages of other sites are not allowed to write here");
  }

  /**
   * Refuses a request without the token that `scope` requires (RFC 6750).
   *
   * @throws {Problem} 401 for a missing or wrong token, 403 for the play token where `token` is required.
   */
  checkToken(headers: Headers, scope: Scope): void {
    if (!this.#needsToken(scope)) return;
    const given = tokenOf(headers);
    if (given === undefined) throw new Problem(401, "This request requires a bearer token", CHALLENGE);
    const isForAll = isSame(given, this.#token);
    const isForPlays = isSame(given, this.#playToken);
    if (isForAll || (isForPlays && scope === "play")) return;
    if (isForPlays) throw new Problem(403, "This token allows plays only", TOO_LITTLE);
    throw new Problem(401, "The token is not valid", BAD_TOKEN);
  }

  /** Returns true if a request has the token for everything; false if the server has no tokens. */
  isManager(headers: Headers): boolean {
    return isSame(tokenOf(headers) ?? "", this.#token);
  }

  #isAllowed(name: string): boolean {
    if (this.#hosts === undefined) return true;
    return this.#hosts.some((allowed) =>
      allowed.startsWith(".") ? name.endsWith(allowed) : name === allowed,
    );
  }

  #needsToken(scope: Scope): boolean {
    if (scope === "manage") return this.#token !== undefined;
    return scope === "play" && this.#playToken !== undefined;
  }
}

/** Returns an origin as browsers write it: with the port only if it is not that of the scheme. */
function withoutDefaultPort(origin: string): string {
  return origin.replace(/^(http:.*):(?:80)?$|^(https:.*):(?:443)?$/, "$1$2");
}

function tokenOf(headers: Headers): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/** Compares in constant time: the duration depends on the lengths only. */
function isSame(given: string, expected: string | undefined): boolean {
  if (expected === undefined) return false;
  let difference = given.length ^ expected.length;
  for (let at = 0; at < given.length; at++) {
    difference |= given.charCodeAt(at) ^ expected.charCodeAt(at % expected.length);
  }
  return difference === 0;
}

function listOf(
  name: "corsOrigins" | "allowedHosts",
  value: string | readonly string[] | undefined,
): string[] {
  const text = checkSetting(name, typeof value === "string" ? value : value?.join(","));
  return text === "" ? [] : text.toLowerCase().split(",");
}
