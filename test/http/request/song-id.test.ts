import { expect, test } from "bun:test";
import { Problem } from "../../../src/http/response/problem.ts";
import { decodeSongId } from "../../../src/http/request/song-id.ts";
import { Refusal } from "../../../src/store/refusal.ts";
import { MapStore } from "../../store/map-store.ts";
import { Random } from "../../support/random.ts";

test("an id is percent-decoded once", () => {
  const random = new Random("song-id");
  const parts = ["a", "/", "%", "%41", "=", ",", "\x01", "\x7f", "é", "歌", "😀", " ", "+", ".", "__proto__"];
  for (let round = 0; round < 5000; round++) {
    const id = random.text(parts, 12);
    expect(decodeSongId(encodeURIComponent(id), 512)).toBe(id);
  }
});

test.each([
  ["a/b", "a/b"],
  ["a%2Fb", "a/b"],
  ["a%2fb", "a/b"],
  ["a%252Fb", "a%2Fb"],
  ["a+b", "a+b"],
  ["%20%01", " \x01"],
  ["%F0%9F%98%80", "😀"],
  ["%EF%BB%BFa", "\ufeffa"],
])("%j is the song %j", (encoded, id) => expect(decodeSongId(encoded, 512)).toBe(id));

test.each([
  "%",
  "a%",
  "%2",
  "%zz",
  "%u0041",
  "%ff",
  "%c0%af",
  "%ed%a0%80",
  "%f4%90%80%80",
  "%e6%ad",
  "%F0%9F%98",
  "a%80",
])("%j is refused: it is not UTF-8", (encoded) => {
  expect(statusOf(() => decodeSongId(encoded, 512))).toBe(400);
});

test("U+FFFD, which stands for bytes that were not UTF-8, is refused", () => {
  expect(statusOf(() => decodeSongId("%EF%BF%BD", 512))).toBe(400);
  expect(statusOf(() => decodeSongId("a%ef%bf%bdb", 512))).toBe(400);
  expect(decodeSongId("%EF%BF%BC", 512)).toBe("\ufffc");
});

test("U+0000, which no database takes, is refused", () => {
  for (const encoded of ["%00", "a%00b", "%2500%00"])
    expect(statusOf(() => decodeSongId(encoded, 512))).toBe(400);
  expect(decodeSongId("%2500", 512)).toBe("%00");
});

test.each([
  ["one byte each", "a"],
  ["two bytes each", "é"],
  ["three bytes each", "歌"],
  ["four bytes each", "😀"],
  ["one byte each, three when encoded", "/"],
])("the limit counts bytes of UTF-8: characters of %s", (_, character) => {
  const size = new TextEncoder().encode(character).length;
  for (const maxBytes of [1, 4, 12, 513, 4096]) {
    const fits = character.repeat(Math.floor(maxBytes / size));
    expect(accept(encodeURIComponent(fits), maxBytes)).toBe(fits);
    const over = encodeURIComponent(fits + character);
    expect(statusOf(() => accept(over, maxBytes))).toBe(414);
  }
});

test("the limit counts bytes of UTF-8 in mixed texts", () => {
  const random = new Random("song-id limit");
  const outcomes = { 200: 0, 414: 0 };
  for (let round = 0; round < 5000; round++) {
    const id = random.text(
      random.pick([
        ["a", "b", "é"],
        ["a", "a", "歌"],
        ["/", "😀", "a"],
        ["a", "歌", "歌", "歌"],
      ]),
      60,
    );
    const maxBytes = random.below(90) + 1;
    const isLong = new TextEncoder().encode(id).length > maxBytes;
    const encoded = encodeURIComponent(id);
    if (isLong)
      expect(
        statusOf(() => accept(encoded, maxBytes)),
        `${id} ${maxBytes}`,
      ).toBe(414);
    else expect(accept(encoded, maxBytes), `${id} ${maxBytes}`).toBe(id);
    outcomes[isLong ? 414 : 200]++;
  }
  expect(Math.min(outcomes[200], outcomes[414])).toBeGreaterThan(500);
});

test("the limit counts the id's bytes, not those of its encoding", () => {
  expect(accept("%61".repeat(8), 8)).toBe("aaaaaaaa");
  expect(statusOf(() => accept("%61".repeat(9), 8))).toBe(414);
  expect(statusOf(() => accept(`${"%61".repeat(8)}a`, 8))).toBe(414);
});

/** Decodes an id, and counts it in a store: each of the two checks a part of the limit. */
function accept(encoded: string, maxIdBytes: number): string {
  const id = decodeSongId(encoded, maxIdBytes);
  new MapStore({ maxIdBytes }).get(id);
  return id;
}

function statusOf(decode: () => string): number | undefined {
  try {
    decode();
  } catch (error) {
    if (error instanceof Problem) return error.status;
    if (error instanceof Refusal && error.reason === "too long") return 414;
    throw error;
  }
  return undefined;
}
