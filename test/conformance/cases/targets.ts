import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted } from "../subject.ts";
import { ask } from "../wire.ts";

const BROKEN_HOSTS = [
  "a b",
  "a/b",
  "a/song",
  "u@a",
  "a?b",
  "a#b",
  "%zz",
  "a, b",
  "a,b",
  "a:b",
  "a:999999",
  "[::1",
  "ä",
  "a\\b",
];

/** Request targets and `Host` fields that `fetch` cannot send. */
export const targets: Cases = {
  "a malformed Host is refused": async (subject) => {
    for (const host of BROKEN_HOSTS) {
      const { status } = await ask(subject, ["POST /song/1 HTTP/1.1", `Host: ${host}`]);
      expect({ host, status }).toEqual({ host, status: 400 });
    }
    const { status } = await ask(subject, ["POST /1 HTTP/1.1", "Host: a/song"]);
    expect(status).toBe(400);
    await expectNothingCounted(subject);
  },

  "an empty or a double Host is refused": async (subject) => {
    for (const lines of [["Host:"], ["Host: a", "Host: b"], ["Host: a", "Host: a"]]) {
      const { status } = await ask(subject, ["POST /song/1 HTTP/1.1", ...lines]);
      expect({ lines, status }).toEqual({ lines, status: 400 });
    }
    await expectNothingCounted(subject);
  },

  "a host name, an address and a port are accepted": async (subject) => {
    for (const host of ["a", "a.example", "A.Example:80", "a_b", "127.0.0.1:8000", "[::1]:8000", "a:"]) {
      const { status } = await ask(subject, ["GET /song/1 HTTP/1.1", `Host: ${host}`]);
      expect({ host, status }).toEqual({ host, status: 200 });
    }
  },

  "a request without Host is refused, also for a path that takes any host": async (subject) => {
    for (const version of ["1.0", "1.1"]) {
      for (const target of ["POST /song/1", "GET /", "GET /health", "GET http://a/song/1"]) {
        const { status } = await ask(subject, [`${target} HTTP/${version}`]);
        expect({ target, version, status }).toEqual({ target, version, status: 400 });
      }
    }
    await expectNothingCounted(subject);
  },

  "dot segments are resolved before anything else": async (subject) => {
    for (const path of [
      "/x/../song/1",
      "/./song/1",
      "/song/x/../1",
      "/song/x/%2e%2E/1",
      "/song/./1",
      "/song/%2E/1",
    ]) {
      const { status } = await ask(subject, [`POST ${path} HTTP/1.1`, "Host: a"]);
      expect({ path, status }).toEqual({ path, status: 200 });
    }
    await expectAnswer(subject.fetch("/"), 200, "1=6");
    const { status } = await ask(subject, ["POST /song/.. HTTP/1.1", "Host: a"]);
    expect(status).toBe(405);
  },

  "an encoded slash makes no dot segment": async (subject) => {
    expect((await ask(subject, ["POST /song/..%2F..%2Fx HTTP/1.1", "Host: a"])).status).toBe(200);
    await expectAnswer(subject.fetch("/"), 200, "..%2F..%2Fx=1");
  },

  "two slashes differ from one": async (subject) => {
    for (const path of ["//song/1", "/song//1", "//"]) {
      const { status } = await ask(subject, [`POST ${path} HTTP/1.1`, "Host: a"]);
      expect({ path, status }).toEqual({ path, status: path === "/song//1" ? 200 : 404 });
    }
    await expectAnswer(subject.fetch("/"), 200, "%2F1=1");
  },

  "a backslash is a slash": async (subject) => {
    expect((await ask(subject, ["POST /song\\a\\b HTTP/1.1", "Host: a"])).status).toBe(200);
    await expectAnswer(subject.fetch("/song/a/b"), 200, "1");
  },

  "a fragment does not belong to the id": async (subject) => {
    expect((await ask(subject, ["POST /song/1#x?y HTTP/1.1", "Host: a"])).status).toBe(200);
    await expectAnswer(subject.fetch("/"), 200, "1=1");
  },

  "raw UTF-8 in a path names the song, except on Node, which refuses it": async (subject) => {
    const isRefused = subject.runtime.startsWith("Node");
    const spelt = ["\xc3\xa4", "\xc3\x83\xc2\xa9"]; // or its UTF-8 read as Latin-1
    for (const [at, bytes] of spelt.entries()) {
      await expectAnswer(subject.fetch("/", { method: "DELETE" }), 200);
      const { status } = await ask(subject, [`POST /song/${bytes} HTTP/1.1`, "Host: a"]);
      expect({ bytes, status }).toEqual({ bytes, status: isRefused ? 400 : 200 });
      await expectAnswer(subject.fetch("/"), 200, isRefused ? "" : `${["%C3%A4", "%C3%83%C2%A9"][at]}=1`);
    }
  },

  "raw bytes in a path that are not UTF-8 are refused": async (subject) => {
    for (const bytes of ["\xff", "\xc3", "\xed\xa0\x80", "\xc3\xa4\xff"]) {
      const { status } = await ask(subject, [`POST /song/${bytes} HTTP/1.1`, "Host: a"]);
      expect({ bytes, status }).toEqual({ bytes, status: 400 });
    }
    await expectNothingCounted(subject);
  },

  "an absolute target is read as its path": async (subject) => {
    expect((await ask(subject, ["POST http://b.example:5/song/1 HTTP/1.1", "Host: a"])).status).toBe(200);
    await expectAnswer(subject.fetch("/"), 200, "1=1");
  },

  "a target without a path counts nothing": async (subject) => {
    for (const line of [
      "POST song/1 HTTP/1.1",
      "POST * HTTP/1.1",
      "OPTIONS * HTTP/1.1",
      "CONNECT a:80 HTTP/1.1",
    ]) {
      const { status } = await ask(subject, [line, "Host: a"]);
      expect({ line, isError: status === 0 || status >= 400 }).toEqual({ line, isError: true });
    }
    await expectNothingCounted(subject);
  },

  "a path of several thousand characters is refused as too long": async (subject) => {
    const { status } = await ask(subject, [`POST /song/${"x".repeat(8000)} HTTP/1.1`, "Host: a"]);
    expect(status).toBe(414);
    await expectNothingCounted(subject);
  },
};
