import { expect } from "bun:test";
import { type Cases, json } from "../subject.ts";
import { send } from "../wire.ts";

/** Requests for each kind of answer, with and without a body. */
const REQUESTS: readonly (readonly [method: string, path: string, headers?: Record<string, string>])[] = [
  ["GET", "/song/1"],
  ["GET", "/song/1", json],
  ["GET", "/song/1", { "if-none-match": "*" }],
  ["POST", "/song/1"],
  ["POST", "/song/1", { prefer: "return=minimal" }],
  ["OPTIONS", "/song/1"],
  ["PUT", "/song/1"],
  ["GET", "/"],
  ["GET", "/?top=2"],
  ["GET", "/?top=0"],
  ["PUT", "/folds/1"],
  ["GET", "/folds/1"],
  ["GET", "/folds"],
  ["DELETE", "/folds/1"],
  ["DELETE", "/"],
  ["POST", "/batch"],
  ["GET", "/folds/9"],
  ["GET", "/health"],
  ["GET", "/health/live"],
  ["GET", "/metrics"],
  ["GET", "/openapi.json"],
  ["GET", "/nothing"],
  ["GET", "/", { accept: "image/png" }],
];

/** Header fields of every answer. */
export const headers: Cases = {
  "no answer lets a browser guess its type": async ({ fetch }) => {
    for (const [method, path, headers = {}] of REQUESTS) {
      const answer = await fetch(path, { method, headers });
      await answer.body?.cancel();
      const sniffing = answer.headers.get("x-content-type-options");
      expect({ method, path, headers, sniffing }).toEqual({ method, path, headers, sniffing: "nosniff" });
    }
  },

  "each link is a URI reference, without a template": async ({ fetch }) => {
    for (const [method, path, headers = {}] of REQUESTS) {
      const answer = await fetch(path, { method, headers });
      await answer.body?.cancel();
      expect(answer.headers.get("link") ?? "</>").toMatch(/^<[\w:/?#@!$&'()*+,;=%.~-]+>(?:; \w+="[^"]*")?$/);
    }
  },
};

/** The same for bytes on a connection. */
export const wireHeaders: Cases = {
  "every answer has one Date, also to HEAD": async (subject) => {
    for (const [method, path, fields = {}] of REQUESTS) {
      for (const sent of method === "GET" ? ["GET", "HEAD"] : [method]) {
        const lines = [`${sent} ${path} HTTP/1.1`, "Host: a", "Connection: close"];
        for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`);
        if (sent !== "GET" && sent !== "HEAD") lines.push("Content-Length: 0");
        const [head = ""] = (await send(subject, `${lines.join("\r\n")}\r\n\r\n`)).split("\r\n\r\n");
        const dates = Array.from(head.matchAll(/^date: (.*)$/gim), ([, date = ""]) => date.trim());
        expect({ sent, path, dates }).toEqual({ sent, path, dates: [expect.stringMatching(/ GMT$/)] });
        expect(Math.abs(Date.now() - Date.parse(dates[0] ?? ""))).toBeLessThan(60_000);
      }
    }
  },
};
