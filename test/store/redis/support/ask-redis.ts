import { connect } from "node:net";
import { encode, type Reply, read } from "./resp.ts";

/** The time limit of a command that a test sends itself. */
const MOST_MS = 60_000;

/**
 * Sends a command over a connection of its own. @throws {Error} without an answer, and for an error reply.
 */
export async function askRedis(port: number, ...words: (string | number)[]): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const what = `${words.slice(0, 4).join(" ")} on port ${port}`;
  const socket = connect(port, "127.0.0.1");
  const tooLong = setTimeout(() => reject(new Error(`${what}: no answer`)), MOST_MS);
  let received = Buffer.alloc(0);
  socket.on("connect", () => socket.write(encode(words.map(String))));
  socket.on("data", (data: Buffer) => {
    received = Buffer.concat([received, data]);
    const answer = read(received);
    if (answer?.value instanceof Error) reject(new Error(`${what}: ${answer.value.message}`));
    else if (answer !== undefined) resolve(answer.value);
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error(`${what}: the connection was closed`)));
  try {
    return await promise;
  } finally {
    clearTimeout(tooLong);
    socket.destroy();
  }
}

/** Returns a field of the reply to `INFO` or `CLUSTER INFO`: `name:value` on a line of its own. */
export function fieldOf(info: Reply, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(String(info))?.[1];
}
