/** Whether a host to listen on is this machine alone. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(host);
}

/** The names that a server on a loopback address goes by, as `allowedHosts` has them. */
export function loopbackNames(host: string): string {
  const own = host.includes(":") ? `[${host}]` : host;
  return [...new Set(["localhost", ".localhost", "127.0.0.1", "[::1]", own])].join(",");
}
