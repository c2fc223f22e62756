import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Connection, isWhole } from "../support/connection.ts";
import { killAll, type Listening, listen, RUNTIMES } from "../support/process.ts";

const ledger = join(import.meta.dir, "../support/ledger.ts");
const PLAY = "POST /song/1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
const PLAY_IN_CHUNKS =
  "POST /song/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n";
const HALF_A_BODY = "POST /song/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1";
const LIST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HEALTH = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
const SONGS = 40_000; // with ids of 500 bytes: 20 MB, more than the buffers between two sockets hold

setDefaultTimeout(300_000);
afterEach(killAll);

describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
  async function start(shutdownSeconds: number, songs = 0): Promise<Listening> {
    const flags = ["--port", "0", "--shutdown-seconds", String(shutdownSeconds)];
    return await listen([...command, ledger, ...flags], { SONGS: String(songs) });
  }

  test("exactly the answered plays are counted when SIGTERM arrives while 20 clients play", async () => {
    const server = await start(3600);
    let answered = 0;
    const clients = Array.from({ length: 20 }, async (_, n) => {
      const connection = await Connection.to(server.url);
      for (;;) {
        connection.send(n % 2 === 0 ? PLAY : PLAY_IN_CHUNKS);
        if (n % 2 === 1) connection.send("0\r\n\r\n");
        const answer = await connection.read(isWhole);
        if (answer === false) return connection.received;
        if (answer.startsWith("HTTP/1.1 200 ")) answered++;
        else if (!answer.startsWith("HTTP/1.1 503 ")) throw new Error(answer);
        if (answered === 1000) server.process.kill("SIGTERM");
      }
    });
    const torn = await Promise.all(clients);
    expect(torn.join("")).toBe(""); // an answer comes whole or not at all
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
    expect((await server.ended).stdout).toEndWith(`counted ${answered}\n`);
    expect(answered).toBeGreaterThanOrEqual(1000);
  });

  test("a request whose body is arriving at SIGTERM is answered, and its connection closed", async () => {
    const server = await start(3600);
    const connection = await Connection.to(server.url);
    connection.send(HALF_A_BODY);
    await stop(server, await settle(server));
    connection.send("2");
    const answer = await connection.readToEnd();
    expect(answer).toStartWith("HTTP/1.1 200 ");
    expect(answer).toEndWith("\r\n\r\n12");
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
    expect((await server.ended).stdout).toEndWith("counted 12\n");
  });

  test("a request whose body never arrives is disconnected at the deadline, and counts nothing", async () => {
    const server = await start(1);
    const connection = await Connection.to(server.url);
    connection.send(HALF_A_BODY);
    await stop(server, await settle(server));
    expect(await connection.readToEnd()).not.toContain("200 OK");
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
    expect((await server.ended).stdout).toEndWith("counted 0\n");
  });

  test("a client that keeps reading gets all of a listing", async () => {
    const server = await start(3600, SONGS);
    const reader = await readSome(server);
    await stop(server, await settle(server));
    reader.resume();
    expect(await reader.readToEnd()).toEndWith("\r\n0\r\n\r\n");
    expect(reader.bytes).toBeGreaterThan(SONGS * 500);
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
  });

  test("a client that stops reading is disconnected at the deadline, and can tell that the listing is incomplete", async () => {
    const server = await start(1, SONGS);
    const reader = await readSome(server);
    await stop(server, await settle(server));
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
    reader.resume();
    expect(await reader.readToEnd()).not.toEndWith("\r\n0\r\n\r\n");
    expect(reader.bytes).toBeLessThan(SONGS * 500);
  });

  test("a second SIGTERM exits at once, with status 1 and a line that says so, unless it comes with the first", async () => {
    const server = await start(3600);
    const connection = await Connection.to(server.url);
    connection.send(HALF_A_BODY);
    const idle = await settle(server);
    server.process.kill("SIGTERM");
    await stop(server, idle);
    await Bun.sleep(250);
    server.process.kill("SIGTERM");
    const { status, stderr } = await server.ended;
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "playcount: stopped at once after a second signal\n",
    });
  });

  test("SIGINT stops it too, and idle connections do not delay it", async () => {
    const server = await start(3600);
    const idle = await settle(server);
    const silent = await Connection.to(server.url);
    server.process.kill("SIGINT");
    expect(await idle.readToEnd()).toBe("");
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
    silent.destroy();
  });
});

/** Returns an idle connection. Everything sent on other connections before has arrived by then. */
async function settle(server: Listening): Promise<Connection> {
  const connection = await Connection.to(server.url);
  for (let turn = 0; turn < 5; turn++) {
    connection.send(HEALTH);
    expect(await connection.read(isWhole)).toStartWith("HTTP/1.1 200 ");
  }
  return connection;
}

/** Sends SIGTERM, and waits until the server has handled it, and so reports itself unhealthy. */
async function stop(server: Listening, idle: Connection): Promise<void> {
  server.process.kill("SIGTERM");
  for (let answer: string | false = "200"; answer !== false && !answer.startsWith("HTTP/1.1 503 ");) {
    idle.send(HEALTH);
    answer = await idle.read(isWhole);
  }
  idle.destroy();
}

/** Requests all songs, after a play that creates them, and stops reading at the first of them. */
async function readSome(server: Listening): Promise<Connection> {
  const connection = await Connection.to(server.url);
  connection.send(PLAY);
  await connection.read(isWhole);
  connection.send(LIST);
  await connection.read((received) => received.length > 1000);
  connection.pause();
  return connection;
}
