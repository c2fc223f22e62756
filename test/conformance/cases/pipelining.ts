import { expect } from "bun:test";
import { type Cases, expectAnswer } from "../subject.ts";
import { parse, send } from "../wire.ts";

/** Requests that do not wait for the answers to those in front of them. */
export const pipelining: Cases = {
  "requests that come in one piece are all answered, in their order": async (subject) => {
    const one = "POST /song/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const list = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const last = "GET /song/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const received = await send(subject, one + one + list + one + last);
    const answers = received.split(/(?=HTTP\/1\.1 )/).map(parse);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.map(({ body }) => body)).toEqual(["1", "2", "1=2", "3", "3"]);
    await expectAnswer(subject.fetch("/song/1"), 200, "3");
  },

  "requests that change things are done in the order in which they came": async (subject) => {
    const post = (body: string) =>
      `POST /song/1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const clear = "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    const last = "GET /song/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const received = await send(subject, post("5") + clear + post("") + post("6") + post("") + last);
    const answers = received.split(/(?=HTTP\/1\.1 )/).map(parse);
    expect(answers.map(({ body }) => body)).toEqual(["5", "OK", "1", "7", "8", "8"]);
  },

  "what is no request does not take away the answers to those in front of it": async (subject) => {
    const received = await send(subject, "POST /song/1 HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n", true);
    expect(parse(received.split(/(?=HTTP\/1\.1 )/)[0] ?? "")).toMatchObject({ status: 200, body: "1" });
    await expectAnswer(subject.fetch("/song/1"), 200, "1");
  },
};
