import { diagnose } from "./diagnosis.ts";
import { NotDone } from "./failures.ts";
import type { ConnectionOptions } from "./options.ts";

/** Connects to a server. @throws {NotDone} with the reason why the server cannot be used. */
export async function connect(address: string, options: ConnectionOptions): Promise<Bun.RedisClient> {
  const client = new Bun.RedisClient(urlOf(address, options), {
    autoReconnect: false,
    enableOfflineQueue: false,
    connectionTimeout: options.timeout,
  });
  try {
    await client.connect();
  } catch {
    client.close();
    throw new NotDone(await diagnose(address, options));
  }
  await client.send("PING", []).catch(({ code, message }: { code?: string; message: string }) => {
    // A server that is loading answers with an error, too. That of a missing database has another code.
    if (code === "ERR_REDIS_SERVER_ERROR") return;
    client.close();
    throw new NotDone(message);
  });
  return client;
}

function urlOf(address: string, { isEncrypted, user, password, database }: ConnectionOptions): string {
  const [name, word] = [user, password].map(encodeURIComponent);
  const credentials = user === "" && password === "" ? "" : `${name}:${word}@`;
  return `${isEncrypted ? "rediss" : "redis"}://${credentials}${address}/${database}`;
}
