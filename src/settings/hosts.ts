const NAME = String.raw`[\w-][\w.-]*`;
const IPV6 = String.raw`\[[\da-f:.]+\]`;

/** Source of a pattern for a port from 1 to 65535, with its colon. */
export const PORT: string = String.raw`:(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])`;

/** Matches a host name or an IP address, without a port, or a socket as {@linkcode socketOf} reads it. */
export const HOST: RegExp =
  /^(?:unix:[^\0\r\n]{1,107}|fd:\d{1,6}|\w[\w.-]*|[\da-f.]*:[\da-f.]*:[\da-f.:]*|\[[\da-f:.]+\])$/i;
/** Matches a list of hosts, or an empty one. */
export const HOSTS: RegExp = listOf(String.raw`(?:\.?${NAME}|${IPV6})`);
/** Matches a list of origins (RFC 6454 §6.2), or an empty one. */
export const ORIGINS: RegExp = listOf(`https?://(?:${NAME}|${IPV6})(?:${PORT})?`);

function listOf(item: string): RegExp {
  return new RegExp(`^(?:${item}(?:,${item})*)?$`, "i");
}

/**
 * Returns the form of a host in which two spellings are equal: in lower case, `127.1` as `127.0.0.1`,
 * `[0:0:0:0:0:0:0:1]` as `[::1]`, and `localhost.` as `localhost`. An IPv6 address has brackets.
 */
export function canonicalHost(host: string): string {
  return (URL.parse(`http://${host}`)?.hostname ?? host.toLowerCase()).replace(/\.$/, "");
}

/** Returns a list of hosts in canonical form. A leading dot, which includes all subdomains, stays. */
export function canonicalHosts(list: string): string {
  return list.replace(/[^,]+/g, (host) =>
    host.startsWith(".") ? `.${canonicalHost(host.slice(1))}` : canonicalHost(host),
  );
}

/** Returns a list of origins as browsers write them: in lower case, and without the scheme's default port. */
export function canonicalOrigins(list: string): string {
  return list.replace(/[^,]+/g, (origin) => URL.parse(origin)?.origin ?? origin);
}

/** Returns an IPv6 address as the system takes it, without the brackets that it has in a URL. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Returns the path of a Unix socket for `unix:PATH`, and the descriptor of an open socket for `fd:N`;
 * `undefined` for a host of the network.
 */
export function socketOf(host: string): { path: string } | { fd: number } | undefined {
  if (host.startsWith("unix:")) return { path: host.slice("unix:".length) };
  return host.startsWith("fd:") ? { fd: Number(host.slice("fd:".length)) } : undefined;
}
