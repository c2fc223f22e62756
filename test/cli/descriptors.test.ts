import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Connection, isWhole } from "../support/connection.ts";
import { killAll, type Listening, listen, RUNTIMES } from "../support/process.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const LOW = "playcount: warning: at most";

setDefaultTimeout(300_000);
afterEach(killAll);

/** Starts the program as npm does, which it then watches. */
async function startWith(limit: number): Promise<Listening> {
  const command = [...RUNTIMES.bun, main, "--port", "0"];
  const limited = ["sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh", ...command];
  return await listen(limited, { npm_lifecycle_event: "start" });
}

test("a limit of open files below 1,024 is logged at the start", async () => {
  for (const [limit, isLogged] of [
    [1023, true],
    [1024, false],
  ] as const) {
    const server = await startWith(limit);
    server.process.kill("SIGTERM");
    const { stderr } = await server.ended;
    expect({ limit, isLogged: stderr.includes(`${LOW} ${limit} connections and files`) }).toEqual({
      limit,
      isLogged,
    });
  }
});

test("the limit of open files is logged once when it is reached, and open connections are served", async () => {
  const server = await startWith(160);
  const first = await Connection.to(server.url);
  const ask = async (connection: Connection) => {
    connection.send("GET /song/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return await connection.read(isWhole);
  };
  expect(await ask(first)).toStartWith("HTTP/1.1 200 ");
  const others = await Promise.all(Array.from({ length: 180 }, () => Connection.to(server.url)));
  await Bun.sleep(3500);
  expect(await ask(first)).toStartWith("HTTP/1.1 200 ");
  for (const connection of others) connection.destroy();
  const late = await Connection.to(server.url);
  expect(await ask(late)).toStartWith("HTTP/1.1 200 ");
  server.process.kill("SIGKILL");
  const lines = (await server.ended).stderr
    .split("\n")
    .filter((line) => line.includes("all 160 connections"));
  expect(lines).toHaveLength(1);
});
