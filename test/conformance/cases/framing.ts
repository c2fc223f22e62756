import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted } from "../subject.ts";
import { ask, send } from "../wire.ts";

const HEAD = ["POST /song/1 HTTP/1.1", "Host: a"];
const CHUNKED = [...HEAD, "Transfer-Encoding: chunked"];

/** Framing of requests and their bodies on a connection. */
export const framing: Cases = {
  "a body may come in chunks": async (subject) => {
    await expectCount(ask(subject, CHUNKED, "1\r\n4\r\n1\r\n2\r\n0\r\n\r\n"), "42");
    await expectCount(ask(subject, CHUNKED, "0\r\n\r\n"), "43");
    await expectCount(ask(subject, [...HEAD, "Content-Length: 0"]), "44");
    await expectCount(ask(subject, HEAD), "45");
  },

  "a request whose body is broken, or breaks off, counts nothing": async (subject) => {
    const broken: [string[], string][] = [
      [CHUNKED, "1\r\n5\r\nzz\r\n\r\n"],
      [CHUNKED, "1\r\n5\r\n"],
      [CHUNKED, "5\r\n1\r\n0\r\n\r\n"],
      [[...HEAD, "Content-Length: 3"], "1"],
      [["DELETE / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"], "1\r\n5\r\nzz\r\n\r\n"],
      [["DELETE / HTTP/1.1", "Host: a", "Content-Length: 3"], "1"],
    ];
    await expectAnswer(subject.fetch("/song/other", { method: "POST" }), 200, "1");
    for (const [lines, body] of broken) {
      const answer = await send(subject, `${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}`, true);
      expect(answer).not.toMatch(/^HTTP\/1.1 2/);
    }
    await expectAnswer(subject.fetch("/"), 200, "other=1");
  },

  "a request that is refused for the bytes that follow it changes nothing": async (subject) => {
    const post = (body: string) => subject.fetch("/song/1", { method: "POST", body });
    const clear = ["DELETE / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"];
    for (const [lines, body] of [
      [CHUNKED, "1\r\n1\r\n0\r\nX-Trailer: a\r\n\r\n"],
      [[...HEAD, "Content-Length: 1"], "1\r\n"],
      [[...HEAD, "Content-Length: 1"], "1junk\r\n\r\n"],
      [HEAD, "junk\r\n\r\n"],
    ] as const) {
      const counted = await ask(subject, lines, body);
      await expectAnswer(subject.fetch("/song/1"), 200, counted.status === 200 ? "1" : "0");
      await expectAnswer(post("1"), 200, counted.status === 200 ? "2" : "1");
      const cleared = await ask(subject, clear, "0\r\nX-Trailer: a\r\n\r\n");
      expect((await (await subject.fetch("/song/1")).text()) === "0").toBe(cleared.status === 200);
      await expectAnswer(subject.fetch("/", { method: "DELETE" }), 200, "OK");
    }
  },

  "a request of ambiguous length is refused": async (subject) => {
    for (const lines of [
      ["Content-Length: 1", "Content-Length: 2"],
      ["Content-Length: x"],
      ["Content-Length: -1"],
      ["Content-Length: 1", "Transfer-Encoding: chunked"],
    ]) {
      const head = [...HEAD, ...lines].map((line) => `${line}\r\n`).join("");
      const received = await send(subject, `${head}\r\n5`, true);
      expect({ lines, isRefused: !/^HTTP\/1\.1 2/.test(received) }).toEqual({ lines, isRefused: true });
    }
    await expectNothingCounted(subject);
  },

  "a transfer coding besides chunked is refused": async (subject) => {
    for (const request of ["POST /song/1", "POST /batch", "DELETE /", "PUT /folds/1"]) {
      for (const coding of ["gzip, chunked", "gzip", "identity, chunked", "chunked, chunked"]) {
        const lines = [`${request} HTTP/1.1`, "Host: a", `Transfer-Encoding: ${coding}`];
        const { status } = await ask(subject, lines, "1\r\n1\r\n0\r\n\r\n");
        expect({ request, coding, status }).toEqual({ request, coding, status: 400 });
      }
    }
    await expectNothingCounted(subject);
    await expectAnswer(subject.fetch("/folds"), 200, "");
  },

  "a client that expects 100 (Continue) gets it": async (subject) => {
    const received = await send(
      subject,
      `${HEAD.join("\r\n")}\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n7`,
    );
    expect(received).toContain("HTTP/1.1 100 Continue");
    await expectAnswer(subject.fetch("/song/1"), 200, "7");
  },

  "an unknown method counts nothing": async (subject) => {
    for (const method of ["BREW", "post", "Post", "TRACE"]) {
      const { status } = await ask(subject, [`${method} /song/1 HTTP/1.1`, "Host: a"]);
      expect({ method, isError: status === 0 || status >= 400 }).toEqual({ method, isError: true });
    }
    await expectNothingCounted(subject);
  },

  "TRACE is refused like any other method that is not allowed": async (subject) => {
    const { status, headers } = await ask(subject, ["TRACE /song/1 HTTP/1.1", "Host: a"]);
    expect(status).toBe(405);
    expect(headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
  },

  "the answer to HEAD ends after the head, and has either the length of GET or none": async (subject) => {
    await expectAnswer(subject.fetch("/song/1", { method: "POST", body: "12" }), 200, "12");
    for (const [path, length] of [
      ["/song/1", "2"],
      ["/", "4"],
      ["/health", "2"],
      ["/x", "9"],
    ] as const) {
      const { body, headers } = await ask(subject, [`HEAD ${path} HTTP/1.1`, "Host: a"]);
      expect({ path, body, length: headers.get("content-length") }).toEqual({ path, body: "", length });
    }
  },

  "an answer without a body has no length and no type": async (subject) => {
    for (const lines of [
      ["OPTIONS /song/1 HTTP/1.1", "Host: a"],
      ["POST /song/1 HTTP/1.1", "Host: a", "Prefer: return=minimal"],
      ["GET / HTTP/1.1", "Host: a", "If-None-Match: *"],
    ]) {
      const { status, headers, body } = await ask(subject, lines);
      expect([204, 304]).toContain(status);
      expect({ body, type: headers.get("content-type") }).toEqual({ body: "", type: undefined });
      expect(headers.get("transfer-encoding")).toBe(undefined);
    }
  },
};

async function expectCount(answer: ReturnType<typeof ask>, count: string): Promise<void> {
  const { status, body } = await answer;
  expect({ status, count: body }).toEqual({ status: 200, count });
}
