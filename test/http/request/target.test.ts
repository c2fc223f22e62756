import { describe, expect, test } from "bun:test";
import { Guard } from "../../../src/http/guard.ts";
import { Problem } from "../../../src/http/response/problem.ts";
import { parseTarget } from "../../../src/http/request/target.ts";
import { Random } from "../../support/random.ts";

const ORIGINS = ["http://localhost", "https://a.example:8000", "http://[::1]:80", "http://u:p@h", "http://x"];
const PARTS = [
  ["/", "/", "//", "\\", "song", "__proto__", ".", "..", "%2e", "%2E", "%2f", "%", "%zz"],
  [";", ":", "@", "&", "=", "+", "~", "*", "[", "]", '"', "<", ">", "`", "{", "}", "|", "^", " a"],
  ["é", "歌", "😀", "\u0080"],
].flat();

test("the path is the same as that of the URL standard, on every runtime", () => {
  const random = new Random("target");
  let rewritten = 0;
  for (let round = 0; round < 20_000; round++) {
    const path = `/${random.text(PARTS, 8)}`;
    const url = random.pick(ORIGINS) + path + random.pick(["", "?", "?top=1", "?a/../b?c\\d"]);
    const expected = canonical(new URL(url));
    for (const form of formsOf(url)) expect(canonicalTarget(form), form).toEqual(expected);
    if (expected.path !== path) rewritten++;
  }
  expect(rewritten).toBeGreaterThan(5_000);
  expect(rewritten).toBeLessThan(19_000);
});

test("characters that are not ASCII are encoded as the URL standard writes them", () => {
  // The router compares strings, so the case of percent-encodings matters.
  expect(parseTarget("http://h/歌").path).toBe("/%E6%AD%8C");
  expect(parseTarget("http://h/é?é").path).toBe("/%C3%A9");
  expect(parseTarget("http://h/?é").query).toBe("?%C3%A9");
});

test("percent-encodings stay unchanged", () => {
  expect(parseTarget("http://h/%2f%5c%c3%A9%zz%").path).toBe("/%2f%5c%c3%A9%zz%");
  expect(parseTarget("http://h/é%2f").path).toBe("/%C3%A9%2f");
});

test.each([
  ["/song/../health", "/health"],
  ["/song/./1", "/song/1"],
  ["/song/%2e%2E/health", "/health"],
  ["/song/.%2e/health", "/health"],
  ["/song/1/..", "/song/"],
  ["/../..", "/"],
  ["\\song\\1".replace("\\", "/"), "/song/1"],
  ["/song/a..b", "/song/a..b"],
  ["/song/...", "/song/..."],
  ["/song/.a", "/song/.a"],
  ["/song/a.", "/song/a."],
  ["/song/%2ea", "/song/%2ea"],
  ["/song//1", "/song//1"],
  ["//song/1", "//song/1"],
])("%p is the path %p", (path, expected) =>
  expect(parseTarget(`http://localhost${path}`).path).toBe(expected),
);

describe("The query", () => {
  test("begins at the first question mark", () => {
    expect(parts("http://h/")).toEqual({ path: "/", query: "" });
    expect(parts("http://h/?")).toMatchObject({ path: "/" });
    expect(parts("http://h/a?b=/../c")).toEqual({ path: "/a", query: "?b=/../c" });
    expect(parts("http://h/a?b?c")).toEqual({ path: "/a", query: "?b?c" });
    expect(parts("http://h/a%3Fb?c")).toEqual({ path: "/a%3Fb", query: "?c" });
  });

  test("stays if the path is normalised", () => {
    expect(parts("http://h/./a?top=3")).toEqual({ path: "/a", query: "?top=3" });
  });

  test("ends where the fragment begins", () => {
    expect(parts("http://h/#x?top=3")).toEqual({ path: "/", query: "" });
    expect(parts("http://h/./?top=3#x")).toEqual({ path: "/", query: "?top=3" });
    expect(parts(new Request("http://h/?top=3#x").url)).toEqual({ path: "/", query: "?top=3" });
  });
});

test.each([
  "http://h?x=/song/1",
  "http://h#/song/1",
  "http://h\\a/song/1",
  "https:///song/1",
  "http:////h/song/1",
])("%p is either refused or read as the URL standard reads it", (url) => {
  const { pathname } = new URL(url);
  expect([pathname, 400]).toContain(pathOrStatus(url));
});

test.each(
  [
    ["", "/song/1", "song/1", "*", "//h/song/1", "/http://h/song/1"],
    ["http://", "http:///", "http:/h/song/1", "http://\u00ad/\u00e9", "localhost:8000"],
    ["ftp://h/song/1", "file:///song/1", "httpx://h/song/1", "about:blank"],
  ].flat(),
)("%p is refused", (url) => expect(pathOrStatus(url)).toBe(400));

test.each([
  null,
  "localhost",
  "localhost:8000",
  "127.0.0.1",
  "[::1]:8000",
  "a-b.example",
  "A_B",
  "h:",
  "[2001:db8::1]",
])("Host: %p is accepted", (host) => expect(new Guard({}).allowsHost(host)).toBe(true));

test.each([
  "",
  "a, b",
  "a,b",
  "a b",
  "a/b",
  "u@a",
  "a:b",
  "a:123456",
  "::1",
  "[::1",
  "a:1:2",
  "é",
  "a?",
  "a#",
])("Host: %p is refused", (host) => expect(() => new Guard({}).allowsHost(host)).toThrow(Problem));

function parts(url: string): { path: string; query: string } {
  const { path, query } = parseTarget(url);
  return { path, query };
}

function formsOf(url: string): string[] {
  return [new URL(url).href, url];
}

function canonical({ pathname, search }: URL): { path: string; search: string } {
  return { path: pathname, search };
}

/** Encodes raw characters, and leaves everything else unchanged. */
function canonicalTarget(url: string): { path: string; search: string } {
  const { path, query } = parseTarget(url);
  const isDone = (segment: string) => !/^(?:\.|%2e){1,2}$/i.test(segment);
  expect(path.split("/").every(isDone)).toBe(true);
  return canonical(new URL(`http://h${path}${query}`));
}

function pathOrStatus(url: string): string | number {
  try {
    return parseTarget(url).path;
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
}
