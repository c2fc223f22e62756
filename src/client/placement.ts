import { quotedAddress } from "../error-message.ts";
import { type HashKey, hash, hash64 } from "../hash.ts";
import { checkId, shown } from "./arguments.ts";

/** A server. */
interface PlacedServer {
  url: string;
  /** The same for all spellings of the URL. */
  name: string;
  /** The key that the server's weight for a song is hashed with. */
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
    this.#servers = [servers].flat().map(place);
    this.urls = this.#servers.map(({ url }) => url);
    if (this.urls.length === 0) throw new TypeError("A CountClient needs at least one server");
    if (new Set(this.#servers.map(({ name }) => name)).size < this.urls.length)
      throw new TypeError(`The servers of a CountClient must differ: ${this.urls.join(" ")}`);
  }

  /**
   * Returns the URL of the server that a song is on.
   *
   * @throws {TypeError} for an id that is not a string, or cannot be part of a path.
   */
  serverOf(id: string): string {
    checkId(id);
    let best: PlacedServer | undefined;
    let highest = -1;
    for (const server of this.#servers) {
      const weight = hash(id, server.key);
      if (weight < highest || (weight === highest && best !== undefined && best.name < server.name)) continue;
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

/** Returns a server with the URL for requests, which ends with a slash. */
function place(server: string): PlacedServer {
  const { origin, pathname, hostname, href } = parse(server);
  // A list of servers in one string has a comma in its first host.
  if (!/^https?:\/\//i.test(server) || href !== origin + pathname || hostname.includes(",")) {
    const found = typeof server === "string" ? quotedAddress(server) : shown(server);
    throw new TypeError(
      `A server must be an http or https URL without user, query and fragment, not ${found}`,
    );
  }
  const url = origin + pathname.replace(/\/*$/, "/");
  const name = url
    .replace(/^(https?:\/\/[^/:]+?)\.+(?=[:/])/, "$1")
    .replace(/%[\da-f]{2}/gi, decodeUnreserved);
  return { url, name, key: hash64(name) };
}

function parse(server: string): Pick<URL, "origin" | "pathname" | "hostname" | "href"> {
  try {
    return new URL(server); // URL.parse is missing in browsers of 2023
  } catch {
    return { origin: "", pathname: "", hostname: "", href: "invalid" };
  }
}

/** Decodes a byte that needs no percent-encoding; writes any other in capitals (RFC 3986 §6.2.2). */
function decodeUnreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
}
