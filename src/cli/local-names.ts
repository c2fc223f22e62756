import { lookup } from "node:dns/promises";
import { canonicalHost, socketOf } from "../settings/hosts.ts";
import type { Settings } from "../settings/settings.ts";

/** The loopback addresses in canonical form: 127.0.0.0/8, also mapped to IPv6, and ::1. */
const LOOPBACK = /^(?:127\.[\d.]+|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]|\[::1\])$/;

/**
 * Returns the names of a server that only this machine can reach, as a value of `allowedHosts`; `undefined`
 * if others may reach it. The address decides, however it is spelled. No web page reaches a Unix socket, so
 * every name is allowed there.
 */
export async function localNames({ host, socketMode }: Settings): Promise<string | undefined> {
  const socket = socketOf(host);
  if (socket !== undefined) {
    const isForAll = !("path" in socket) || (Number.parseInt(socketMode, 8) & 0o002) !== 0;
    return isForAll ? undefined : "";
  }
  const found = await lookup(host, { all: true }).catch(() => []); // to listen fails too, with a reason
  const addresses = found.map(({ address }) => canonicalHost(bracketed(address)));
  if (addresses.length === 0 || !addresses.every((address) => LOOPBACK.test(address))) return undefined;
  const names = ["localhost", ".localhost", "127.0.0.1", "[::1]", bracketed(host), ...addresses];
  return [...new Set(names)].join(",");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
