import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted } from "../subject.ts";

const TEXT = "text/plain;charset=utf-8";
const JSON_TYPE = "application/json";

const ACCEPTED: readonly (readonly [accept: string, type: string])[] = [
  ["*/*", TEXT],
  ["", TEXT],
  ["text/*", TEXT],
  ["text/plain", TEXT],
  ["TEXT/Plain;q=0.5", TEXT],
  ["application/json", JSON_TYPE],
  ["application/*", JSON_TYPE],
  ["application/json;q=0.2", JSON_TYPE],
  ["application/json, text/plain, */*", JSON_TYPE],
  ["text/plain, application/json", TEXT],
  ['text/html;x=", application/json, ", text/plain;q=0.5', TEXT],
  [`application/json, ${"image/png, ".repeat(100)}`, TEXT], // too long to be parsed
  ["text/plain;q=0.5, application/json", JSON_TYPE],
  ["text/plain;q=0.5, application/json;q=0.4", TEXT],
  ["text/*;q=0.1, application/json;q=0.2, */*;q=0.9", JSON_TYPE],
  ["text/plain;q=0, */*", JSON_TYPE],
  ["application/json;q=0, application/problem+json, text/plain;q=0.5", TEXT],
  ["text/plain;q=0.9, application/problem+json", TEXT],
  ["application/json;q=0.9;ext=1", JSON_TYPE],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT],
  ["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT],
  [
    "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
    TEXT,
  ],
];

/** Content negotiation between text and JSON. */
export const negotiation: Cases = {
  "quality and the most specific range decide the format": async ({ fetch }) => {
    for (const [accept, type] of ACCEPTED) {
      for (const [path, method] of [
        ["/song/1", "GET"],
        ["/song/1", "POST"],
        ["/?top=9", "GET"],
        ["/health", "GET"],
      ] as const) {
        const answer = await fetch(path, { method, headers: { accept } });
        await answer.body?.cancel();
        expect({ accept, path, type: answer.headers.get("content-type") }).toEqual({ accept, path, type });
        expect(answer.headers.get("vary")).toBe("Accept");
      }
    }
  },

  "a request that accepts neither format, or has a malformed Accept, changes nothing": async (subject) => {
    const broken = [
      "nonsense",
      "text",
      "text/plain;q=x",
      "text/plain;q=2",
      "/",
      ";;;",
      "text/plain/x",
      "\u00e9",
    ];
    for (const accept of ["image/png", "text/html", "text/plain;q=0", "*/*;q=0", ...broken]) {
      for (const [path, method] of [
        ["/song/1", "POST"],
        ["/song/1", "GET"],
        ["/", "DELETE"],
        [accept === "text/html" ? "/?top=9" : "/", "GET"], // see pages.ts
      ] as const) {
        const answer = await subject.fetch(path, { method, headers: { accept } });
        const body = await answer.text();
        const found = { accept, status: answer.status, body, type: answer.headers.get("content-type") };
        const wanted = "Not Acceptable\nAccept must allow text/plain or application/json";
        expect(found).toEqual({ accept, status: 406, body: wanted, type: TEXT });
      }
    }
    await expectNothingCounted(subject);
  },

  "an error is text, or a problem in JSON if that is preferred": async ({ fetch }) => {
    const { headers } = await expectAnswer(fetch("/x"), 404, "Not Found");
    expect(headers.get("content-type")).toBe(TEXT);
    expect(headers.get("vary")).toBe("Accept");
    for (const accept of [
      "application/json",
      "application/problem+json",
      "application/problem+json, text/plain;q=0.5",
    ]) {
      const body = '{"type":"about:blank","title":"Not Found","status":404}';
      const problem = await expectAnswer(fetch("/x", { headers: { accept } }), 404, body);
      expect(problem.headers.get("content-type")).toBe("application/problem+json");
      expect(problem.headers.get("vary")).toBe("Accept");
    }
  },
};
