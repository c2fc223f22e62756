import { expect } from "bun:test";
import { delay } from "../../../src/async/timing.ts";
import { Connection, isWhole } from "../../support/connection.ts";
import { type Cases, expectAnswer, expectNothingCounted, json, type Subject } from "../subject.ts";
import { CAPS } from "./limits.ts";
import { parse, type WireAnswer } from "../wire.ts";

const PLAY = "POST /plays/video/1";
const BATCH = "POST /plays/batch";
const OPERATIONS = [PLAY, BATCH, "DELETE /plays/", "PUT /plays/folds/1", "DELETE /plays/folds/1"];
const CHUNKED = "Transfer-Encoding: chunked";

/** Cases of bodies that never end, for a server with the settings in `CAPS`. */
export const endlessBodies: Cases = {
  "a body without an end is 408, in the format that the client prefers": async ({ fetch }) => {
    const answers = OPERATIONS.flatMap((line) =>
      ["text/plain", "application/json"].map(async (accept) => {
        const [method, path] = line.split(" ") as [string, string];
        const body = new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(49)) });
        const answer = await fetch(path, { method, body, headers: { accept } });
        const type = accept === "text/plain" ? "text/plain;charset=utf-8" : "application/problem+json";
        expect(answer.headers.get("content-type")).toBe(type);
        await expectAnswer(Promise.resolve(answer), 408);
      }),
    );
    await Promise.all(answers);
  },
};

/** Cases of bodies that are held back, for a server with the settings in `CAPS`. */
export const heldBodies: Cases = {
  "a body that does not arrive within bodySeconds is 408, and nothing is done": async (subject) => {
    for (const [framing, pieces] of [
      ["Content-Length: 9", ["1=1"]],
      [CHUNKED, ["3\r\n1=1\r\n"]],
      [CHUNKED, Array.from({ length: 12 }, () => "1\r\n1\r\n")],
    ] as const) {
      const held = OPERATIONS.map((line) => answerTo(subject, line, framing, pieces));
      for (const { status, headers, body } of await Promise.all(held)) {
        const detail = "Request Timeout\nThe body took longer than 1 seconds";
        const connection = headers.get("connection");
        expect({ status, connection, body }).toEqual({ status: 408, connection: "close", body: detail });
      }
    }
    await expectAnswer(subject.fetch("/plays/folds"), 200, "");
    await expectNothingCounted(subject);
  },

  "a wrong type is refused before the body arrives, and the rest is read off or its connection closed":
    async (subject) => {
      for (const [line, problem] of [
        [PLAY, "Content-Type: image/png"],
        [PLAY, "Content-Encoding: gzip"],
        [BATCH, "Content-Type: image/png"],
      ] as const) {
        for (const [framing, rest] of [
          ["Content-Length: 3", "23"],
          [CHUNKED, "2\r\n23\r\n0\r\n\r\n"],
        ] as const) {
          const connection = await Connection.to(subject.origin);
          const first = framing === CHUNKED ? "1\r\n1\r\n" : "1";
          connection.send(`${line} HTTP/1.1\r\nHost: a\r\n${problem}\r\n${framing}\r\n\r\n${first}`);
          expect(parse((await connection.read(isWhole)) || "").status).toBe(415);
          connection.send(`${rest}GET /plays/video/1 HTTP/1.1\r\nHost: a\r\n\r\n`);
          const next = await connection.read(isWhole); // false if it was closed
          const { status, body } = next === false ? { status: 200, body: "0" } : parse(next);
          expect({ line, problem, framing, status, body }).toEqual({
            line,
            problem,
            framing,
            status: 200,
            body: "0",
          });
          connection.destroy();
        }
      }
    },

  "a body that arrives slowly within bodySeconds is accepted": async (subject) => {
    expect(await answerTo(subject, PLAY, "Content-Length: 3", ["1", "2", "3"])).toMatchObject({
      body: "123",
    });
    const chunks = ["3\r\na=1\r\n", "4\r\n,b=2\r\n", "0\r\n\r\n"];
    expect(await answerTo(subject, BATCH, CHUNKED, chunks)).toMatchObject({ body: "a=1,b=2" });
  },

  "batches under way have maxPendingBytes together, and a further one is 503": async (subject) => {
    const add = (body: string, headers = {}) =>
      subject.fetch("/plays/batch", {
        method: "POST",
        body,
        headers: { "content-type": "text/plain", ...headers },
      });
    // In one piece, 16 bytes are reserved; of a chunk, its 12 bytes and 60 for each of its two whole songs.
    // The fitting batch has the rest, with 60 for each of its songs; the exceeding one has a byte more.
    for (const [framed, fitting, exceeding] of [
      [`Content-Length: 16\r\n\r\na=1,b=1,c=00`, "a=1,b=1,c=1", "a=1,b=1,c=01"],
      [`${CHUNKED}\r\n\r\nC\r\na=1,b=1,c=00\r\n`, "a=0000000000001", "a=00000000000001"],
    ] as const) {
      const held = await Connection.to(subject.origin);
      held.send(`${BATCH} HTTP/1.1\r\nHost: a\r\n${framed}`);
      await delay(200);
      await expectAnswer(add(fitting), 200);
      const refused = await add(exceeding, json);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await refused.json()).toMatchObject({ maxPendingBytes: CAPS.maxPendingBytes });
      held.send(framed.startsWith(CHUNKED) ? "4\r\n0001\r\n0\r\n\r\n" : "0001");
      expect(parse((await held.read(isWhole)) || "").status).toBe(200);
      held.destroy();
    }
    await expectAnswer(subject.fetch("/plays/video/a"), 200, "4");
    for (let round = 5; round < 11; round++)
      await expectAnswer(add("a=1,c=0000000001"), 200, `a=${round},c=${round - 1}`);
  },
};

/** Sends a request piece by piece, ten a second, until it is answered. */
async function answerTo(
  { origin }: Subject,
  line: string,
  framing: string,
  pieces: readonly string[],
): Promise<WireAnswer> {
  const connection = await Connection.to(origin);
  connection.send(`${line} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  for (const piece of pieces) {
    if (!isWhole(connection.received)) connection.send(piece);
    await delay(100);
  }
  const received = await connection.read(isWhole);
  connection.destroy();
  return parse(received || "");
}
