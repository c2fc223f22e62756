/** Returns true if only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(host);
}

/**
 * Returns the names of a server that listens on the loopback address `host`, as a value of `allowedHosts`.
 */
export function loopbackNames(host: string): string {
  const own = host.includes(":") ? `[${host}]` : host;
  return [...new Set(["localhost", ".localhost", "127.0.0.1", "[::1]", own])].join(",");
}
