import { expect } from "bun:test";
import { type Cases, expectAnswer } from "../subject.ts";
import { ask } from "../wire.ts";

/** Settings of a server whose default is JSON. */
export const JSON_FIRST = { defaultFormat: "json" } as const;

/** Header of a client that takes text from a server with {@linkcode JSON_FIRST}. */
export const TEXT_CLIENT: Readonly<Record<string, string>> = { accept: "text/plain" };

const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain;charset=utf-8";
const PROBLEM_TYPE = "application/problem+json";

const ACCEPTED: readonly (readonly [accept: string, type: string, problemType: string])[] = [
  ["*/*", JSON_TYPE, PROBLEM_TYPE],
  ["", JSON_TYPE, PROBLEM_TYPE],
  [" , ,", JSON_TYPE, PROBLEM_TYPE],
  ["*/*;q=0.1", JSON_TYPE, PROBLEM_TYPE],
  ["image/png, */*;q=0.5", JSON_TYPE, PROBLEM_TYPE],
  [`text/plain, ${"image/png, ".repeat(100)}`, JSON_TYPE, PROBLEM_TYPE], // too long to be parsed
  ["text/plain", TEXT_TYPE, TEXT_TYPE],
  ["text/*", TEXT_TYPE, TEXT_TYPE],
  ["text/plain, */*", TEXT_TYPE, TEXT_TYPE],
  ["text/plain, application/json", TEXT_TYPE, TEXT_TYPE],
  ["application/json, text/plain", JSON_TYPE, PROBLEM_TYPE],
  ["application/json;q=0.4, text/plain;q=0.5", TEXT_TYPE, TEXT_TYPE],
];

/** Cases for a server with the settings in {@linkcode JSON_FIRST}. */
export const jsonFirst: Cases = {
  "a client that accepts text and JSON alike gets JSON, and any other what it prefers": async ({ fetch }) => {
    for (const [accept, type, problemType] of ACCEPTED) {
      for (const [path, method, wanted] of [
        ["/song/1", "GET", type],
        ["/song/1", "POST", type],
        ["/", "GET", type],
        ["/health", "GET", type],
        ["/x", "GET", problemType],
        ["/song/1?x=1", "GET", problemType],
      ] as const) {
        const answer = await fetch(path, { method, headers: { accept } });
        await answer.body?.cancel();
        expect({ accept, path, type: answer.headers.get("content-type") }).toEqual({
          accept,
          path,
          type: wanted,
        });
        expect(answer.headers.get("vary")).toBe("Accept");
      }
    }
  },

  "a client that accepts neither is refused in JSON, except that health answers it": async ({ fetch }) => {
    const headers = { accept: "image/png" };
    const refused = await expectAnswer(fetch("/song/1", { headers }), 406);
    expect(refused.headers.get("content-type")).toBe(PROBLEM_TYPE);
    await expectAnswer(fetch("/health", { headers }), 200, '{"status":"ok"}');
  },
};

/** The same, of bytes on a connection. */
export const jsonFirstWire: Cases = {
  "a client without an Accept gets JSON": async (subject) => {
    const counted = await ask(subject, ["POST /song/1 HTTP/1.1", "Host: a", "Content-Length: 0"]);
    expect([counted.status, counted.body]).toEqual([200, '{"id":"1","count":1}']);
    const refused = await ask(subject, ["GET /x HTTP/1.1", "Host: a"]);
    expect(refused.body).toBe('{"type":"about:blank","title":"Not Found","status":404}');
  },
};
