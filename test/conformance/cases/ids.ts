import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json } from "../subject.ts";

/** Pairs of an encoded id in a path, and the id. */
const GOOD: readonly (readonly [encoded: string, id: string])[] = [
  ["a/b", "a/b"],
  ["a%2Fb", "a/b"],
  ["a%2fb", "a/b"],
  ["%61%2F%62", "a/b"],
  ["a+b", "a+b"],
  ["a%20b", "a b"],
  ["%C3%A4", "ä"],
  ["%F0%9F%8E%B5", "🎵"],
  ["%EF%BB%BF", "\ufeff"],
  ["%0A5%20", "\n5 "],
  ["%25", "%"],
  ["%253D", "%3D"],
  ["a.b", "a.b"],
  ["...", "..."],
  ["..%2Fx", "../x"],
  ["x%3Fy%23z", "x?y#z"],
  ["a//b/", "a//b/"],
  ["a;b=c,d:e@f!$&'()*", "a;b=c,d:e@f!$&'()*"],
  ["%7B%7D%22%3C%3E%5E%60%7C%5C", '{}"<>^`|\\'],
];

/**
 * Malformed UTF-8 (broken escapes, lone and overlong bytes, surrogates, above U+10FFFF), U+FFFD and U+0000.
 */
const BAD = [
  "%",
  "%z",
  "%zz",
  "a%2",
  "%ff",
  "%C3",
  "%C3%28",
  "%c0%af",
  "%e2%82",
  "%ed%a0%80",
  "%f4%90%80%80",
  "%EF%BF%BD",
  "%00",
  "a%00b",
];

/** Ids: everything after `/song/`. */
export const ids: Cases = {
  "an id is percent-decoded UTF-8, slashes and all": async ({ fetch }) => {
    for (const [encoded, id] of GOOD) {
      await expectAnswer(fetch("/", { method: "DELETE" }), 200);
      const answer = JSON.stringify({ id, count: 1 });
      await expectAnswer(fetch(`/song/${encoded}`, { method: "POST", headers: json }), 200, answer);
      await expectAnswer(fetch(`/song/${encoded}`, { headers: json }), 200, answer);
      await expectAnswer(fetch("/", { headers: json }), 200, `{${JSON.stringify(id)}:1}`);
      await expectAnswer(fetch("/"), 200, `${encodeURIComponent(id)}=1`);
    }
  },

  "different encodings of an id are one song, and different ids are different songs": async ({ fetch }) => {
    for (const path of ["/song/a/b", "/song/a%2Fb", "/song/%61/b"])
      await expectAnswer(fetch(path, { method: "POST" }), 200);
    await expectAnswer(fetch("/song/a%252Fb", { method: "POST" }), 200, "1");
    await expectAnswer(fetch("/song/A/b", { method: "POST" }), 200, "1");
    await expectAnswer(fetch("/song/a/b"), 200, "3");
  },

  "an id that is not percent-encoded UTF-8, or contains U+0000, is refused": async (subject) => {
    for (const id of BAD) {
      for (const method of ["GET", "POST"]) {
        const answer = await subject.fetch(`/song/${id}`, { method });
        expect({ id, status: answer.status, body: await answer.text() }).toEqual({
          id,
          status: 400,
          body: expect.stringMatching(/^Bad Request\nThe id /),
        });
      }
    }
    await expectNothingCounted(subject);
  },

  "an id of 512 bytes is accepted, and one of 513 bytes refused": async (subject) => {
    for (const longest of ["x".repeat(512), "ä".repeat(256), `${"🎵".repeat(127)}abcd`]) {
      await expectAnswer(subject.fetch(`/song/${encodeURIComponent(longest)}`, { method: "POST" }), 200, "1");
      for (const longer of [`${longest}x`, `x${longest}`]) {
        const answer = subject.fetch(`/song/${encodeURIComponent(longer)}`, { method: "POST" });
        await expectAnswer(answer, 414, "URI Too Long\nThe id is longer than 512 bytes of UTF-8");
      }
    }
    expect((await (await subject.fetch("/")).text()).split(",").length).toBe(3);
  },

  "an empty id or an unknown path is not found": async (subject) => {
    for (const path of ["/song/", "/song", "/songs/1", "/Song/1", "/health/", "/health/x", "/x", "/%2F"]) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        await expectAnswer(subject.fetch(path, { method }), 404, "Not Found");
      }
    }
    await expectNothingCounted(subject);
  },

  "a query does not belong to the id": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1?", { method: "POST" }), 200, "1");
    await expectAnswer(fetch("/song/1?after=0"), 200, "1");
    await expectAnswer(fetch("/song/1?x=/song/2", { method: "POST" }), 400);
    await expectAnswer(fetch("/?", { headers: json }), 200, '{"1":1}');
  },
};
