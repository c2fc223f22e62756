import { quoted } from "../error-message.ts";
import { type HashKey, hash, hash64 } from "../hash.ts";
import { hasPath } from "../mapping/read.ts";

/** A server, and the key that its weight for a song is hashed with. */
interface PlacedServer {
  url: string;
  key: HashKey;
}

/**
 * Places songs on servers by rendezvous hashing: a song is on the server with the highest weight for it.
 *
 * A server added to n servers takes 1/(n+1) of the songs, evenly from all others, and no song moves between
 * the others.
 */
export class Placement {
  /** The URLs of the servers, each with a slash at its end. */
  readonly urls: readonly string[];
  readonly #servers: readonly PlacedServer[];

  /**
   * @throws {TypeError} if `servers` is empty, lists a server twice, or has anything but plain http and https
   * URLs.
   */
  constructor(servers: string | readonly string[]) {
    this.urls = [servers].flat().map(normalise);
    if (this.urls.length === 0) throw new TypeError("A CountClient needs at least one server");
    if (new Set(this.urls).size < this.urls.length)
      throw new TypeError(`The servers of a CountClient must differ: ${this.urls.join(" ")}`);
    this.#servers = this.urls.map((url) => ({ url, key: hash64(url) }));
  }

  /** Returns the URL of the server that a song is on. */
  serverOf(id: string): string {
    let best: PlacedServer | undefined;
    let highest = -1;
    for (const server of this.#servers) {
      const weight = hash(id, server.key);
      if (weight < highest || (weight === highest && best !== undefined && best.url < server.url)) continue;
      best = server;
      highest = weight;
    }
    return (best as PlacedServer).url;
  }

  /** Groups songs by their server. */
  divide(plays: Iterable<readonly [string, number]>): Map<string, [string, number][]> {
    const parts = new Map<string, [string, number][]>();
    for (const [id, count] of plays) {
      const server = this.serverOf(id);
      const part = parts.get(server) ?? [];
      part.push([id, count]);
      parts.set(server, part);
    }
    return parts;
  }
}

/** @throws {TypeError} for an id that cannot be part of a path. */
export function checkId(id: string): void {
  if (!hasPath(id)) throw new TypeError(`The id ${quoted(id)} cannot be part of a path`);
}

/** Returns the canonical form of a server's URL, so that its songs stay when the URL is spelt differently. */
function normalise(server: string): string {
  const { origin = "", pathname = "", href } = URL.parse(server) ?? {};
  if (!/^https?:\/\//i.test(server) || href !== origin + pathname) {
    throw new TypeError(
      `A server must be an http or https URL without user, query and fragment, not ${quoted(server)}`,
    );
  }
  return origin + pathname.replace(/\/*$/, "/");
}
