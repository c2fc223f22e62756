import { type HashKey, hash } from "../hash.ts";
import { hasPath } from "../mapping/read.ts";

interface Placed {
  url: string;
  key: HashKey;
}

/**
 * Which of several servers a song is on, by rendezvous hashing: a server added to n takes 1/(n+1) of the songs, from all
 * others alike, and no song moves between those. Neither the order of the list matters nor how a URL is written.
 */
export class Placement {
  /** The servers' URLs, each with a slash at the end. */
  readonly urls: readonly string[];
  readonly #servers: readonly Placed[];

  /** @throws {TypeError} if there is no server, one is listed twice, or one is not a plain http or https URL. */
  constructor(servers: string | readonly string[]) {
    this.urls = [servers].flat().map(normalise);
    if (this.urls.length === 0) throw new TypeError("A CountClient needs one server at least");
    if (new Set(this.urls).size < this.urls.length)
      throw new TypeError(`A CountClient's servers must differ: ${this.urls.join(" ")}`);
    this.#servers = this.urls.map((url) => ({ url, key: [hash(url, [0, 0]), hash(url, [0, 1])] }));
  }

  /** The URL of the server that a song is on. */
  serverOf(id: string): string {
    let best: Placed | undefined;
    let highest = -1;
    for (const server of this.#servers) {
      const weight = hash(id, server.key);
      if (weight < highest || (weight === highest && best !== undefined && best.url < server.url)) continue;
      best = server;
      highest = weight;
    }
    return (best as Placed).url;
  }

  /** Songs by the server that they are on. */
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

/** @throws {TypeError} for an id that no path leads to. */
export function checkId(id: string): void {
  if (!hasPath(id)) throw new TypeError(`No path leads to the song ${JSON.stringify(id)}`);
}

/** The one way to write a server's URL, so that songs do not move when somebody writes it another way. */
function normalise(server: string): string {
  const { origin = "", pathname = "", href } = URL.parse(server) ?? {};
  if (!/^https?:\/\//i.test(server) || href !== origin + pathname) {
    throw new TypeError(
      `A server must be an http or https URL without user, query and fragment, not ${JSON.stringify(server)}`,
    );
  }
  return origin + pathname.replace(/\/*$/, "/");
}
