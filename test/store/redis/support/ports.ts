import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Handed out here, and perhaps not in use yet. */
const taken = new Set<number>();

/** A loopback port that nobody has. Nobody keeps it free, either: who finds it taken asks for another one. */
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
