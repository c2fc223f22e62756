import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { Connection, isWhole } from "../support/connection.ts";
import { killAll } from "../support/process.ts";
import { askOnce, request } from "./asking.ts";
import { type Program, PROGRAMS } from "./balancer.ts";
import { balance, type Edit, HOST, read, type Setup } from "./configuration.ts";
import { stopAll } from "./meeting.ts";
import { countsOf, startPlaycount } from "./playcounts.ts";

setDefaultTimeout(300_000);

const MEBIBYTE = 2 ** 20;

/** A batch close to the maximum length. */
const LONGEST_BATCH = Array.from({ length: 32_000 }, (_, at) => `${`${at}`.padStart(512, "x")}=1`).join(",");

let server: string;

beforeAll(async () => {
  server = (await startPlaycount()).url;
});
afterEach(stopAll);
afterAll(killAll);

/** One playcount that stands for all servers of a shared store. */
async function inFront(program: Program, setup: Setup, edits: readonly Edit[] = []): Promise<string> {
  return (await balance(program, setup, Array(setup === "spread" ? 3 : 2).fill(server), edits)).url;
}

const COMBINATIONS = PROGRAMS.flatMap((program) =>
  (["spread", "shared"] as const).map((setup) => [program, setup] as const),
);

describe.each(COMBINATIONS)("%s, %s,", (program, setup) => {
  test("hands on the host, so that playcount knows its own pages and names", async () => {
    const url = await inFront(program, setup);
    const port = new URL(url).port;
    const statusOf = async (sent: string) => (await askOnce(url, sent))?.status;
    expect(await statusOf(request("POST /song/1", [`Origin: https://${HOST}`, "Content-Length: 0"]))).toBe(
      200,
    );
    expect(
      await statusOf(request("POST /song/1", ["Origin: https://example.org", "Content-Length: 0"])),
    ).toBe(403);
    const own = `GET /song/1 HTTP/1.1\r\nHost: ${HOST}:${port}\r\nOrigin: http://${HOST}:${port}\r\n\r\n`;
    expect(await statusOf(own)).toBe(200);
    expect(await statusOf("GET /song/1 HTTP/1.1\r\nHost: example.org\r\n\r\n")).toBe(403);
  });

  test("hands on HEAD and OPTIONS, and what playcount answers to them", async () => {
    const url = await inFront(program, setup);
    const head = await askOnce(url, request("HEAD /song/1"));
    expect([head?.status, head?.body]).toEqual([200, ""]);
    expect(head?.head).toMatch(/\r\ncontent-length: [1-9]/i);
    const options = await askOnce(url, request("OPTIONS /song/1"));
    expect(options?.head).toMatch(/\r\nallow: .*POST/i);
  });

  test("lets playcount say that a body is too long", async () => {
    const url = await inFront(program, setup);
    for (const [target, maxBytes] of [
      ["POST /song/1", 1024],
      ...(setup === "shared" ? [["POST /batch", 16 * MEBIBYTE] as const] : []),
    ] as const) {
      const answer = await askOnce(url, request(target, [], "1".repeat(maxBytes + 1)));
      expect(answer?.status).toBe(413);
      expect(answer?.body).toContain(`${maxBytes}`);
    }
  });

  test("lets a client wait before it sends a body", async () => {
    const connection = await Connection.to(await inFront(program, setup));
    const [head, body] = request("POST /song/waits", ["Expect: 100-continue"], "1").split(/(?<=\r\n\r\n)/);
    connection.send(head ?? "");
    expect(await connection.read((text) => text.endsWith("\r\n\r\n"))).toStartWith("HTTP/1.1 100 ");
    connection.send(body ?? "");
    expect(await connection.read(isWhole)).toStartWith("HTTP/1.1 200 ");
    connection.destroy();
  });

  test("passes each event of a stream on at once, and ends the stream of a client that is gone", async () => {
    const connection = await Connection.to(await inFront(program, setup));
    connection.send(request("GET /song/streamed", ["Accept: text/event-stream"]));
    for (let count = 0; count < 3; count++) {
      const event = `data: {"streamed":${count}}\n\n`;
      expect(await connection.read((text) => text.includes(event))).toContain(event);
      await fetch(`${server}song/streamed`, { method: "POST", headers: { host: HOST } });
    }
    connection.destroy();
    const isOpen = async () => {
      // HAProxy notices with the next event that the client is gone.
      await fetch(`${server}song/streamed`, { method: "POST", headers: { host: HOST } });
      const metrics = await (await fetch(`${server}metrics`, { headers: { host: HOST } })).text();
      return !metrics.includes("\nplaycount_streams 0\n");
    };
    while (await isOpen()) await Bun.sleep(50);
    await fetch(server, { method: "DELETE", headers: { host: HOST } });
  });

  test("waits longer for a stream than the 15 seconds between two comments", () => {
    const times = Array.from(
      read(program, setup).matchAll(/(?:proxy_read_timeout|timeout (?:client|server)) (\d+)s/g),
      ([, seconds]) => Number(seconds),
    );
    expect(times.length).toBeGreaterThan(0);
    for (const seconds of times) expect(seconds).toBeGreaterThanOrEqual(30);
  });

  test("passes an answer on as it is, without packing it", async () => {
    const url = await inFront(program, setup);
    const headers = ["Accept-Encoding: gzip", "Accept: application/json"];
    const [direct, passed] = [
      await askOnce(server, request("GET /openapi.json", headers)),
      await askOnce(url, request("GET /openapi.json", headers)),
    ];
    expect(passed?.body).toBe(direct?.body as string);
    expect(passed?.head).not.toMatch(/\r\ncontent-encoding:/i);
  });
});

describe.each(PROGRAMS)("%s, in front of a store that is shared,", (program) => {
  test("passes on a batch as long as it may be, and the list that comes of it", async () => {
    const url = await inFront(program, "shared");
    const answer = await fetch(`${url}/batch`, {
      method: "POST",
      headers: { host: HOST },
      body: LONGEST_BATCH,
    });
    expect(answer.status).toBe(200);
    expect((await answer.text()).length).toBeGreaterThan(15 * MEBIBYTE);
    expect(await countsOf(`${url}/`)).toEqual(await countsOf(server));
  });

  test("has a list known by its ETag", async () => {
    const url = await inFront(program, "shared");
    const tagOf = async (from: string) => {
      const answer = await fetch(from, { method: "HEAD", headers: { host: HOST } });
      return answer.headers.get("etag") ?? "none";
    };
    const tag = await tagOf(`${url}/`);
    expect(tag).toBe(await tagOf(server));
    const known = await fetch(`${url}/`, { headers: { host: HOST, "if-none-match": tag } });
    expect(known.status).toBe(304);
  });

  test("refuses /metrics, and says whether it can count", async () => {
    const url = await inFront(program, "shared");
    expect((await askOnce(url, request("GET /metrics")))?.status).toBe(403);
    expect((await askOnce(url, request("GET /health")))?.body).toBe("OK");
  });
});

/** Returns true if nginx buffers a list on disk for a client that stops reading. Checks `times` times. */
async function writesList(edits: readonly Edit[], times: number): Promise<boolean> {
  const filler = { method: "POST", headers: { host: HOST }, body: LONGEST_BATCH };
  expect((await fetch(`${server}batch`, filler)).status).toBe(200);
  const { url, pid, folder } = await balance("nginx", "shared", [server, server], edits);
  const connection = await Connection.to(url);
  connection.send(request("GET /"));
  await connection.read((text) => text.length > 1000);
  connection.pause();
  const isWriting = () => openFiles(pid).some((path) => path.startsWith(`${folder}/proxy/`));
  for (; times > 0 && !isWriting(); times--) await Bun.sleep(20);
  const isWritten = isWriting();
  connection.destroy();
  return isWritten;
}

/** Lists the open files of a process. nginx unlinks its buffers at once. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return []; // closed meanwhile
    }
  });
}

describe.skipIf(!PROGRAMS.includes("nginx"))("nginx", () => {
  test("puts no list on its disk, however slow the reader is", async () => {
    expect(await writesList([], 25)).toBe(false);
  });

  test("would do so with its own default", async () => {
    expect(await writesList([["    proxy_max_temp_file_size 0; #", "    #"]], 1000)).toBe(true);
  });
});
