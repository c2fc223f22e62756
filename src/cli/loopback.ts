import { lookup } from "node:dns/promises";
import { canonicalHost } from "../settings/hosts.ts";

/** The loopback addresses in canonical form: 127.0.0.0/8, also mapped to IPv6, and ::1. */
const LOOPBACK = /^(?:127\.[\d.]+|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]|\[::1\])$/;

/**
 * Returns the names of a server that listens on `host` and that only this machine can reach, as a value of
 * `allowedHosts`; `undefined` if other machines may reach it. The address decides, however it is spelled.
 */
export async function loopbackNames(host: string): Promise<string | undefined> {
  const found = await lookup(host, { all: true }).catch(() => []); // to listen fails too, with a reason
  const addresses = found.map(({ address }) => canonicalHost(bracketed(address)));
  if (addresses.length === 0 || !addresses.every((address) => LOOPBACK.test(address))) return undefined;
  const names = ["localhost", ".localhost", "127.0.0.1", "[::1]", bracketed(host), ...addresses];
  return [...new Set(names)].join(",");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
