import { expect } from "bun:test";
import { type Cases, expectAnswer } from "../subject.ts";
import { parse, send } from "../wire.ts";

/** Pipelining: requests that are sent before the answers to earlier ones (RFC 9112 §9.3.2). */
export const pipelining: Cases = {
  "requests in one packet are all answered, in their order": async (subject) => {
    const one = "POST /song/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const list = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const last = "GET /song/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const received = await send(subject, one + one + list + one + last);
    const answers = received.split(/(?=HTTP\/1\.1 )/).map(parse);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.map(({ body }) => body)).toEqual(["1", "2", "1=2", "3", "3"]);
    await expectAnswer(subject.fetch("/song/1"), 200, "3");
  },

  "requests that change counts are done in the order of their arrival": async (subject) => {
    const post = (body: string) =>
      `POST /song/1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const clear = "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    const last = "GET /song/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const received = await send(subject, post("5") + clear + post("") + post("6") + post("") + last);
    const answers = received.split(/(?=HTTP\/1\.1 )/).map(parse);
    expect(answers.map(({ body }) => body)).toEqual(["5", "OK", "1", "7", "8", "8"]);
  },

  "a malformed request does not suppress the answers to the requests before it": async (subject) => {
    const received = await send(subject, "POST /song/1 HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n", true);
    expect(parse(received.split(/(?=HTTP\/1\.1 )/)[0] ?? "")).toMatchObject({ status: 200, body: "1" });
    await expectAnswer(subject.fetch("/song/1"), 200, "1");
  },
};
