import { PORT } from "./hosts.ts";

const SERVER = String.raw`(?:[\w.-]+|\[[\da-f:.]+\])(?:${PORT})?`;
const DEFAULT_PORT = 6379;

/** Matches the `store` setting, or an empty one. Several servers are a cluster, which has no databases. */
export const REDIS_ADDRESS: RegExp = new RegExp(
  String.raw`^(?:(?<scheme>rediss?)://(?:(?<user>(?:[\w.-]|%[0-7][\da-f])+)@)?` +
    String.raw`(?:(?<servers>${SERVER}(?:,${SERVER})+)|(?<server>${SERVER})(?:/(?<database>\d{1,5})?)?))?$`,
  "i",
);

/** The parts of a Redis address. */
export interface RedisAddress {
  isEncrypted: boolean;
  /** The user to log in as; empty for the default user. */
  user: string;
  /** `host:port` of each server. */
  servers: string[];
  database: number;
}

/**
 * Parses the `store` setting, as in `rediss://USER@HOST:PORT/DATABASE` or `redis://HOST:PORT,HOST:PORT`.
 *
 * @throws {RangeError} if `text` is not such an address.
 */
export function parseRedisAddress(text: string): RedisAddress {
  const groups = REDIS_ADDRESS.exec(text)?.groups;
  if (groups?.["scheme"] === undefined) throw new RangeError("this is not the address of a Redis server");
  const { scheme, user = "", servers, server = "", database = "0" } = groups;
  return {
    isEncrypted: scheme.toLowerCase() === "rediss",
    user: decodeURIComponent(user),
    servers: (servers ?? server).split(",").map(withPort),
    database: Number(database),
  };
}

function withPort(server: string): string {
  return /:\d+$/.test(server) ? server : `${server}:${DEFAULT_PORT}`;
}
