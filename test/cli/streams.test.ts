import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eventStream } from "../conformance/event-reader.ts";
import { Connection } from "../support/connection.ts";
import { bun, main } from "../support/folding.ts";
import { killAll, type Listening, listen, RUNTIMES } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const PROGRAMS = [
  ...Object.entries(RUNTIMES).map(([name, command]) => [name, [...command, main]] as const),
  ["bun with 2 workers", [...bun, "--workers", "2"]] as const,
];

/** Ids so long that the events of the highest songs soon fill the buffers between two sockets. */
const LONG = Array.from({ length: 1000 }, (_, n) => `${n}`.padEnd(4096, "x"));

describe.each(PROGRAMS)("on %s", (name, program) => {
  const start = (...flags: string[]) => listen([...program, "--port", "0", ...flags]);

  test("the streams of all workers have the plays of each, and end at once when the server stops", async () => {
    const server = await start("--shutdown-seconds", "3600");
    const readers = await Promise.all(Array.from({ length: 20 }, () => open(server, "/song/1")));
    for (const reader of readers) await has(reader, 'data: {"1":0}\n\n');
    expect(await streamsOf(server)).toBe(20);
    await fetch(`${server.url}song/1`, { method: "POST" });
    for (const reader of readers) await has(reader, 'data: {"1":1}\n\n');
    server.process.kill("SIGTERM");
    for (const reader of readers) expect(await reader.readToEnd()).toEndWith("0\r\n\r\n");
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
  });

  test("the streams end as soon as the server begins to drain, and those that open then are empty", async () => {
    const server = await start("--drain-seconds", "3600");
    const reader = await open(server, "/?top=1");
    await has(reader, "data: []\n\n");
    server.process.kill("SIGTERM");
    await has(reader, "0\r\n\r\n");
    // Workers hear of it one after the other, and each ends the streams that it began before.
    for (let late = ""; !/^retry: [1-5]\d{3}\n\n$/.test(late);) {
      late = await (await fetch(`${server.url}?top=1`, { headers: eventStream })).text();
      expect(late).toMatch(/^retry: [1-5]\d{3}\n(\nevent: counts\ndata: \[\]\n)?\n$/);
    }
  });

  test("maxStreams counts the streams of all workers, and one whose client is gone no longer", async () => {
    const server = await start("--max-streams", "3");
    const readers = await Promise.all(Array.from({ length: 3 }, () => open(server, "/song/1")));
    for (const reader of readers) await has(reader, "data: ");
    for (let n = 0; n < 5; n++) await has(await open(server, "/song/1"), "retry: 60000\n\n");
    readers[0]?.destroy();
    while ((await streamsOf(server)) > 2) await Bun.sleep(10);
    await has(await open(server, "/song/1"), "data: ");
  });

  test("a client that reads nothing is cut off, and others go on reading", async () => {
    const server = await start("--stream-idle-seconds", "1", "--max-id-bytes", "4096");
    const reader = await open(server, "/song/1");
    await has(reader, "data: ");
    const stalled = await open(server, "/?top=1000");
    await has(stalled, "data: ");
    stalled.pause();
    expect(isOpen(server, stalled)).toBe(true);
    for (let round = 1; (await streamsOf(server)) > 1; round++) {
      const body = LONG.map((id) => `${id}=1`).join(",");
      expect((await fetch(`${server.url}batch`, { method: "POST", body })).status).toBe(200);
      await fetch(`${server.url}song/1`, { method: "POST" });
      await has(reader, `{"1":${round}}`);
    }
    // Bun closes the connection a minute after it has last sent anything, and Deno leaves that to the client.
    while (name === "node" && isOpen(server, stalled)) await Bun.sleep(10);
    stalled.resume();
    expect(await stalled.readToEnd()).not.toEndWith("0\r\n\r\n");
    server.process.kill("SIGTERM");
    await reader.readToEnd();
    const { status, stderr } = await server.ended;
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^(?:\[?playcount: a stream was cut off, because its client reads nothing\]?\n)?$/,
    );
  });
});

async function open(server: Listening, path: string): Promise<Connection> {
  const connection = await Connection.to(server.url);
  connection.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
  return connection;
}

/** Reads until a text has come. */
async function has(connection: Connection, wanted: string): Promise<void> {
  expect(await connection.read((text) => text.includes(wanted))).toContain(wanted);
}

/** Returns true until the server closes its side of a connection, which a paused client cannot see. */
function isOpen(server: Listening, { localPort }: Connection): boolean {
  const [own, other] = [Number(new URL(server.url).port), localPort].map(
    (port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return readFileSync("/proc/net/tcp", "latin1").includes(`${own} ${other} 01`);
}

async function streamsOf(server: Listening): Promise<number> {
  const metrics = await (await fetch(`${server.url}metrics`)).text();
  return Number(/^playcount_streams (\d+)$/m.exec(metrics)?.[1]);
}
