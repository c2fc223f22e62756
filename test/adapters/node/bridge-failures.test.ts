import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Connection, isWhole } from "../../support/connection.ts";
import { type Bridge, startBridge } from "../../support/start-bridge.ts";

setDefaultTimeout(300_000);

const HELLO = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

let bridge: Bridge;

beforeAll(async () => {
  bridge = await startBridge();
});

afterAll(async () => {
  const { status, stderr } = await bridge.stop();
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/unhandled|Warning|leak/i);
});

test.each(["throws", "rejects"])(
  "a handler that %s is answered with 500, without its error",
  async (action) => {
    const response = await bridge.ask(`/${action}`, { headers: { accept: "application/json" } });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect((await bridge.ask("/hello")).status).toBe(200);
  },
);

test("a handler that throws before it has read the body leaves the connection usable", async () => {
  const connection = await bridge.connect();
  connection.send("POST /throws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1");
  expect(await connection.read(isWhole)).toStartWith("HTTP/1.1 500 ");
  connection.send(`2${HELLO}`);
  expect(await connection.read(isWhole)).toEndWith("\r\n\r\nhello");
});

test("a handler that returns no response closes its connection, and no other", async () => {
  const other = await bridge.connect();
  const connection = await bridge.connect();
  connection.send("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await connection.readToEnd()).toBe("");
  other.send(HELLO);
  expect(await other.read(isWhole)).toEndWith("\r\n\r\nhello");
});

test("a body that fails midway is broken off, so that its part is not taken for the whole", async () => {
  const connection = await bridge.connect();
  connection.send("GET /torn HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await connection.read((received) => received.includes("part"))).toStartWith("HTTP/1.1 200 ");
  await bridge.ask("/fire/tear");
  expect(await connection.readToEnd()).not.toEndWith("0\r\n\r\n");
});

test("a client that leaves within its body makes the handler's read fail", async () => {
  const connection = await bridge.connect();
  connection.send("POST /late-reader HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1");
  await bridge.ask("/event/reading");
  connection.destroy();
  await bridge.ask("/fire/read");
  expect(await (await bridge.ask("/event/broken TypeError")).text()).toBe("broken TypeError");
});

test("a client that leaves before its answer cancels the body of the answer", async () => {
  const own = await startBridge();
  const connection = await own.connect();
  connection.send("GET /late-endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await own.ask("/event/late");
  connection.destroy();
  await own.ask("/event/aborted");
  await own.ask("/fire/answer");
  await own.ask("/event/cancelled");
  expect((await own.stop()).stderr).toBe("");
});

describe.each(["early", "early-locked", "early-cancelled"])(
  "of an answer before all of the body is read: %s",
  (action) => {
    test.each([
      ["a length", "Content-Length: 1000000\r\n\r\n", "x".repeat(1_000_000)],
      [
        "chunks",
        "Transfer-Encoding: chunked\r\n\r\n",
        `${"a000\r\n".padEnd(0xa006, "x")}\r\n`.repeat(20) + "0\r\n\r\n",
      ],
    ])(
      "it arrives, and the connection takes the next request, behind a body with %s",
      async (_, head, body) => {
        const connection = await bridge.connect();
        connection.send(`POST /${action} HTTP/1.1\r\nHost: localhost\r\n${head}${body.slice(0, 100)}`);
        const answer = await connection.read(isWhole);
        expect(answer).toStartWith("HTTP/1.1 413 ");
        expect(answer).toEndWith("too large");
        connection.send(body.slice(100) + HELLO);
        expect(await connection.read(isWhole)).toEndWith("\r\n\r\nhello");
      },
    );
  },
);

test("a hundred requests with bodies on one connection leak nothing", async () => {
  const connection = await bridge.connect();
  for (let turn = 0; turn < 100; turn++) {
    connection.send(`POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n${10 + (turn % 90)}`);
    expect(await connection.read(isWhole)).toEndWith(`\r\n\r\nPOST ${10 + (turn % 90)}`);
  }
});

describe("while the server is stopping", () => {
  test("an answer that has ended but is not all sent is sent to its end", async () => {
    const own = await startBridge();
    const connection = await own.connect();
    connection.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await connection.read((received) => received.length > 0);
    connection.pause();
    await terminated(own);
    connection.resume();
    await connection.readToEnd();
    expect(connection.bytes).toBeGreaterThan(20_000_000);
    expect(await own.stop()).toMatchObject({ status: 0, stderr: "" });
  });

  test("pipelined requests are all answered, the last one with Connection: close", async () => {
    const own = await startBridge();
    const connection = await own.connect();
    connection.send("GET /held-until-stop HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2));
    await terminated(own);
    const answers = (await connection.readToEnd()).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => answer.replace(/^.*\r\n\r\n/s, ""))).toEqual(["held", "held"]);
    expect(answers.map((answer) => /^connection: close\r$/im.test(answer))).toEqual([false, true]);
    expect((await own.stop()).stdout).toEndWith("handled 3\n");
  });

  test("a request after one that is answered with Connection: close is not handled", async () => {
    const own = await startBridge();
    const connection = await own.connect();
    connection.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1");
    await terminated(own);
    connection.send(`2${HELLO}`);
    expect(await connection.readToEnd()).toMatch(/^connection: close\r$[^]*POST 12$/im);
    expect((await own.stop()).stdout).toEndWith("handled 2\n");
  });

  /** Sends SIGTERM, and waits until it has been heard: a connection with nothing under way is closed then. */
  async function terminated(own: Bridge): Promise<void> {
    const idle: Connection = await own.connect();
    idle.send(HELLO);
    await idle.read(isWhole);
    own.terminate();
    await idle.readToEnd();
  }
});
