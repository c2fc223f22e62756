import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { isWhole } from "../../support/connection.ts";
import { type Bridge, startBridge } from "../../support/start-bridge.ts";

setDefaultTimeout(300_000);

let bridge: Bridge;

beforeAll(async () => {
  bridge = await startBridge();
});

afterAll(async () => {
  const { status, stdout, stderr } = await bridge.stop();
  expect(status).toBe(0);
  expect(stdout).toContain("Node v26.");
  expect(stderr).not.toMatch(/unhandled|Warning|leak/i);
});

test("an answer of one piece has a Content-Length", async () => {
  const response = await bridge.ask("/hello");
  expect(response.headers.get("content-length")).toBe("5");
  expect(await response.text()).toBe("hello");
});

test("an idle connection is kept for as long as on other runtimes, and the answer says so", async () => {
  const connection = await bridge.connect();
  connection.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await connection.read(isWhole)).toContain("\r\nKeep-Alive: timeout=60\r\n");
});

test("a piece is sent before the next one is ready", async () => {
  const response = await bridge.ask("/slow");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("first");
  await bridge.ask("/fire/second");
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("second");
  expect((await reader.read()).done).toBe(true);
});

test("cookies stay separate, and other headers arrive", async () => {
  const { headers } = await bridge.ask("/cookies");
  expect(headers.getSetCookie()).toEqual(["a=1, b", "c=2"]);
  expect(headers.get("x-other")).toBe("1");
});

test.each([201, 204, 304, 404, 503])("the status %d is sent, without a body", async (status) => {
  const connection = await bridge.connect();
  connection.send(
    `GET /status/${status} HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  const answers = await connection.read((received) => received.endsWith("hello"));
  expect(answers).toStartWith(`HTTP/1.1 ${status} `);
  expect(answers).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test.each(["PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "TRACE"])("the handler sees %s", async (method) => {
  const connection = await bridge.connect();
  connection.send(`${method} /method HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  expect(await connection.read(isWhole)).toEndWith(`\r\n\r\n${method}`);
});

test("HEAD is answered without a body, and an endless stream is cancelled", async () => {
  const connection = await bridge.connect();
  connection.send("HEAD /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await bridge.ask("/event/cancelled");
  connection.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const answers = await connection.read((received) => received.endsWith("hello"));
  expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\nHTTP\/1\.1 200 OK\r\n/);
});

test("a body that the client does not read is pulled only as far as buffers hold, and cancelled when the client leaves", async () => {
  const own = await startBridge();
  const reader = await own.connect();
  reader.send("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await reader.read((received) => received.length > 1000);
  reader.pause();
  const pulls = await plateau(async () => Number(await (await own.ask("/pulls")).text()), 500);
  expect(pulls).toBeLessThan(500);
  reader.destroy();
  await own.ask("/event/cancelled");
  await own.ask("/event/aborted");
  await own.stop();
});

test("a request's body is read only as far as the handler reads and buffers hold", async () => {
  const sender = await bridge.connect();
  const bytes = 64 * 1024 * 1024;
  sender.send(`POST /late-reader HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
  sender.send("x".repeat(bytes));
  await bridge.ask("/event/reading");
  const unsent = await plateau(async () => {
    await bridge.ask("/hello");
    return bytes - sender.unsent;
  }, bytes);
  expect(unsent).toBeLessThan(bytes / 2);
  await bridge.ask("/fire/read");
  expect(await sender.read(isWhole)).toEndWith(`\r\n\r\n${bytes}`);
});

test("a client that has ended its sending side is answered", async () => {
  const connection = await bridge.connect();
  connection.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n12");
  connection.end();
  expect(await connection.readToEnd()).toEndWith("\r\n\r\nPOST 12");
});

test("a client that expects 100 Continue gets it, and is answered", async () => {
  const connection = await bridge.connect();
  const head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  connection.send(head);
  expect(await connection.read((received) => received.endsWith("\r\n\r\n"))).toStartWith("HTTP/1.1 100 ");
  connection.send("12");
  expect(await connection.read(isWhole)).toEndWith("\r\n\r\nPOST 12");
});

/** Asks until the answer has stayed the same for a while, or is at least `enough`. */
async function plateau(ask: () => Promise<number>, enough: number): Promise<number> {
  let last = -1;
  for (let same = 0; same < 50 && last < enough;) {
    const next = await ask();
    same = next === last ? same + 1 : 0;
    last = next;
  }
  return last;
}
