import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Ports that were returned already. */
const taken = new Set<number>();

/** Returns a free loopback port. Another process may still take it, so the caller has to try again then. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  if (taken.has(port)) return await freePort();
  taken.add(port);
  return port;
}
