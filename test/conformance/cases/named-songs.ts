import { expect } from "bun:test";
import { type Cases, expectAnswer, json } from "../subject.ts";

const POST = { method: "POST" } as const;

/** Returns a query that names songs from 1 to `count`. */
function naming(count: number): string {
  return Array.from({ length: count }, (_, n) => `id=${n + 1}`).join("&");
}

/** Songs that a query names. */
export const namedSongs: Cases = {
  "songs are listed in the order in which a query names them, each once, and 0 if unplayed": async ({
    fetch,
  }) => {
    await expectAnswer(fetch("/song/1", { ...POST, body: "3" }), 200, "3");
    await expectAnswer(fetch("/song/5", { ...POST, body: "2" }), 200, "2");
    for (const [query, text, body] of [
      ["id=1", "1=3", '{"1":3}'],
      ["id=5&id=1", "5=2,1=3", '{"5":2,"1":3}'],
      ["id=7&id=1&id=7", "7=0,1=3", '{"7":0,"1":3}'],
      ["after=0&id=1", "1=3", '{"1":3}'],
    ]) {
      await expectAnswer(fetch(`/?${query}`), 200, text);
      const answer = await expectAnswer(fetch(`/?${query}`, { headers: json }), 200, body);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      expect(answer.headers.get("fold")).toMatch(/^\d+$/);
      expect(answer.headers.get("vary")).toBe("Accept");
    }
    await expectAnswer(fetch("/?top=10"), 200, "1=3,5=2"); // asking has not registered song 7
  },

  "ids in a query are the same as in a path": async ({ fetch }) => {
    for (const [path, query, text] of [
      ["a%2Fb", "a%2Fb", "a%2Fb"],
      ["a%20b", "a+b", "a%20b"],
      ["a%2Bb", "a%2Bb", "a%2Bb"],
      ["%E6%AD%8C", "%e6%ad%8c", "%E6%AD%8C"],
      ["=", "=", "%3D"],
      ["%26", "%26", "%26"],
      ["__proto__", "__proto__", "__proto__"],
    ]) {
      await expectAnswer(fetch(`/song/${path}`, POST), 200, "1");
      await expectAnswer(fetch(`/?id=${query}`), 200, `${text}=1`);
    }
    await expectAnswer(fetch("/?id=%2E%2E&id=.", { headers: json }), 200, '{"..":0,".":0}');
  },

  "a query may name 100 songs": async ({ fetch }) => {
    const answer = await expectAnswer(fetch(`/?${naming(100)}`), 200);
    expect(answer.headers.get("etag")).toMatch(/^"[\w-]+"$/);
    for (const query of [naming(101), `${naming(100)}&id=1`])
      await expectAnswer(fetch(`/?${query}`), 400, "Bad Request\nid may be given 100 times");
  },

  "a query that names a song that cannot be, or more than songs, is refused": async ({ fetch }) => {
    for (const [query, detail] of [
      ["id=", "id must not be empty"],
      ["id", "id must not be empty"],
      ["id=1&id=&id=2", "id must not be empty"],
      ["id=1&top=1", "id and top exclude each other"],
      ["id=a%00", "The id contains U+0000, which no database takes"],
      ...["%EF%BF%BD", "%zz", "%ff", "1&id=%", "%C3", "%ed%a0%80"].map((ids) => [
        `id=${ids}`,
        "The id contains U+FFFD, which stands for bytes that were not UTF-8",
      ]),
      ["id=1&after=x", "after must be a whole number from 0 to 9007199254740991"],
      ["id=1&after=-1", "after must be a whole number from 0 to 9007199254740991"],
      ["id=1&ids=2", 'Unknown query parameter "ids"; allowed: id, top, after here'],
    ])
      await expectAnswer(fetch(`/?${query}`), 400, `Bad Request\n${detail}`);
  },

  "the tag of named songs changes with one of them, and with no other song": async ({ fetch }) => {
    const tagOf = async (query: string, headers = {}) =>
      (await expectAnswer(fetch(`/?${query}`, { headers }), 200)).headers.get("etag") ?? "none";
    await expectAnswer(fetch("/song/1", POST), 200, "1");
    const tag = await tagOf("id=1&id=2");
    expect(tag).toMatch(/^"[\w-]+"$/);
    const known = { headers: { "if-none-match": `"x", ${tag}` } };
    await expectAnswer(fetch("/song/3", POST), 200, "1");
    const unchanged = await expectAnswer(fetch("/?id=1&id=2", known), 304, "");
    expect(unchanged.headers.get("etag")).toBe(tag);
    await expectAnswer(fetch("/?id=1&id=2", { ...known, method: "HEAD" }), 304, "");
    await expectAnswer(fetch("/song/2", POST), 200, "1");
    await expectAnswer(fetch("/?id=1&id=2", known), 200, "1=1,2=1");
    const tags = [tag, await tagOf("id=1&id=2"), await tagOf("id=2&id=1"), await tagOf("id=1&id=2", json)];
    expect(new Set(tags).size).toBe(4);
  },

  "songs by name leave out the folds up to after": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { ...POST, body: "3" }), 200, "3");
    await expectAnswer(fetch("/folds/1", { method: "PUT" }), 201);
    await expectAnswer(fetch("/song/1", POST), 200, "4");
    await expectAnswer(fetch("/?id=1&id=2"), 200, "1=4,2=0");
    await expectAnswer(fetch("/?id=1&id=2&after=1"), 200, "1=1,2=0");
    await expectAnswer(fetch("/folds/1", { method: "DELETE" }), 200);
    await expectAnswer(fetch("/?id=1"), 200, "1=1");
    await expectAnswer(fetch("/?id=1&after=0"), 200, "1=4");
    await expectAnswer(fetch("/folds/2", { method: "PUT" }), 201);
    await expectAnswer(fetch("/folds/2", { method: "DELETE" }), 200);
    await expectAnswer(fetch("/?id=1&after=0"), 410);
  },
};
