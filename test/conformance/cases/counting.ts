import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json } from "../subject.ts";

const POST = { method: "POST" } as const;

/** The behaviour of the original utility, and the range of counts. */
export const counting: Cases = {
  "the session of the original utility gives the same answers": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1"), 200, "0");
    await expectAnswer(fetch("/song/1", POST), 200, "1");
    await expectAnswer(fetch("/song/1"), 200, "1");
    await expectAnswer(fetch("/song/5", POST), 200, "1");
    await expectAnswer(fetch("/song/1", POST), 200, "2");
    const all = await (await fetch("/")).text();
    expect(all.split(",").sort()).toEqual(["1=2", "5=1"]);
    await expectAnswer(fetch("/", { method: "DELETE" }), 200, "OK");
    await expectAnswer(fetch("/"), 200, "");
  },

  "reading a count does not register the song": async (subject) => {
    await expectAnswer(subject.fetch("/song/1"), 200, "0");
    await expectNothingCounted(subject);
  },

  "a count is JSON if that is preferred": async ({ fetch }) => {
    const answer = await expectAnswer(
      fetch("/song/a%2Fb", { ...POST, headers: json }),
      200,
      '{"id":"a/b","count":1}',
    );
    expect(answer.headers.get("content-type")).toBe("application/json");
    await expectAnswer(fetch("/song/a%2Fb", { headers: json }), 200, '{"id":"a/b","count":1}');
    await expectAnswer(fetch("/song/7", { headers: json }), 200, '{"id":"7","count":0}');
  },

  "counts must not be cached, and vary by Accept": async ({ fetch }) => {
    for (const init of [{}, POST]) {
      const { headers } = await expectAnswer(fetch("/song/1", init), 200);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("vary")).toBe("Accept");
      expect(headers.get("content-type")).toBe("text/plain;charset=utf-8");
    }
  },

  "the answer to clearing is JSON if that is preferred": async ({ fetch }) => {
    await expectAnswer(fetch("/", { method: "DELETE", headers: json }), 200, '{"status":"ok"}');
  },

  "a count grows to 2^53 − 1 and no further": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { ...POST, body: "9007199254740990" }), 200, "9007199254740990");
    await expectAnswer(fetch("/song/1", { ...POST, body: "2" }), 409);
    await expectAnswer(fetch("/song/1", POST), 200, "9007199254740991");
    await expectAnswer(fetch("/song/1", POST), 409);
    await expectAnswer(fetch("/song/1", { ...POST, body: "9007199254740992" }), 409);
    await expectAnswer(fetch("/song/1", { ...POST, body: "0" }), 200, "9007199254740991");
    await expectAnswer(fetch("/song/2", { ...POST, body: "9007199254740992" }), 409);
    await expectAnswer(fetch("/"), 200, "1=9007199254740991");
    await expectAnswer(fetch("/", { headers: json }), 200, '{"1":9007199254740991}');
  },

  "with Prefer: return=minimal a play is counted and answered without a body": async ({ fetch }) => {
    for (const prefer of ["return=minimal", 'respond-async, return="minimal"; x=1', "Return=Minimal"]) {
      const answer = await expectAnswer(fetch("/song/1", { ...POST, headers: { prefer } }), 204, "");
      expect(answer.headers.get("preference-applied")).toBe("return=minimal");
    }
    await expectAnswer(fetch("/song/1"), 200, "3");
    await expectAnswer(fetch("/song/1", { ...POST, headers: { prefer: "return=representation" } }), 200, "4");
    const others = [
      "xreturn=minimal",
      "return=representation, return=minimal",
      'foo="a, return=minimal"',
      "return",
    ];
    for (const [at, prefer] of others.entries()) {
      await expectAnswer(fetch("/song/1", { ...POST, headers: { prefer } }), 200, String(5 + at));
    }
  },

  "concurrent plays are all counted, each with a count of its own": async ({ fetch }) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await fetch("/song/1", POST)).text()),
    );
    expect(answers.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  },

  "it is healthy": async ({ fetch }) => {
    const { headers } = await expectAnswer(fetch("/health"), 200, "OK");
    expect(headers.get("cache-control")).toBe("no-store");
    await expectAnswer(fetch("/health", { headers: json }), 200, '{"status":"ok"}');
  },
};
