import { expect, test } from "bun:test";
import { type HashKey, hash, randomKey } from "../src/hash.ts";
import { Random } from "./support/random.ts";

const ODD = ["a", "0", "\0", "\x7f", "\xff", "\u0100", "é", "€", "\uffff", "😀", "/", "\ud83d"];

test("the reference implementation returns the published outputs of HalfSipHash-2-4", () => {
  // vectors_hsip32 of the authors' own code: key 00…07, inputs of 0 to 15 bytes 00, 01, 02…
  const published = `a9359f5b 27475ab8 fa62a603 8afee704 2a6e4689 c5fab669 5863fc23 8bcf63c5
    d0b8848f f806e779 94b07934 08083050 57f0872f 77e663ff d6fff87c 74fe2b97`;
  const computed = Array.from({ length: 16 }, (_, length) => {
    const output = new DataView(new ArrayBuffer(4));
    output.setUint32(
      0,
      halfSipHash(
        Uint8Array.from({ length }, (_, at) => at),
        KEY,
        2,
        4,
      ),
      true,
    );
    return output.getUint32(0).toString(16).padStart(8, "0");
  });
  expect(computed).toEqual(published.split(/\s+/));
});

test("it is HalfSipHash-1-3 of the UTF-16 code units, for random strings and keys", () => {
  const random = new Random("hash");
  for (let round = 0; round < 20_000; round++) {
    const text = random.text(ODD, 24);
    const key: HashKey = [random.below(2 ** 32), random.below(2 ** 32)];
    expect(hash(text, key), JSON.stringify({ text, key })).toBe(halfSipHash(utf16(text), bytesOf(key), 1, 3));
  }
});

test("it is HalfSipHash-1-3 of strings whose length does not fit into its byte", () => {
  for (const length of [126, 127, 128, 129, 255, 256, 257, 511, 512, 513, 4096, 70_001]) {
    const text = "aé€".repeat(length).slice(0, length);
    expect(hash(text, [1, 2])).toBe(halfSipHash(utf16(text), bytesOf([1, 2]), 1, 3));
  }
});

test("it is a whole number from 0 to 2^32 - 1", () => {
  const random = new Random("range");
  const hashes = Array.from({ length: 1000 }, () => hash(random.text(ODD, 8), randomKey()));
  expect(hashes.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true);
  expect(hashes.some((value) => value >= 2 ** 31)).toBe(true);
});

test.each([
  ["numbers in a row", (n: number) => String(n)],
  ["names that share a long beginning", (n: number) => `song-${String(n).padStart(12, "0")}`],
  ["names that share a long end", (n: number) => `${n}${"/of/the/same/album".repeat(4)}`],
])("%s are spread evenly over 64 shards", (_, name) => {
  const random = new Random("spread");
  const key: HashKey = [random.below(2 ** 32), random.below(2 ** 32)];
  const shards = Array.from({ length: 64 }, () => 0);
  for (let n = 0; n < 64_000; n++) {
    const shard = hash(name(n), key) & 63;
    shards[shard] = (shards[shard] ?? 0) + 1;
  }
  // 1,000 each, give or take: the standard deviation is 31, so this is eight of them.
  expect(Math.min(...shards)).toBeGreaterThan(750);
  expect(Math.max(...shards)).toBeLessThan(1250);
});

test("the hash depends on both words of the key", () => {
  const names = Array.from({ length: 100 }, (_, n) => `song-${n}`);
  const same = (one: HashKey, other: HashKey) =>
    names.filter((name) => hash(name, one) === hash(name, other)).length;
  expect(same([1, 2], [1, 2])).toBe(100);
  expect(same([1, 2], [2, 2])).toBe(0);
  expect(same([1, 2], [1, 3])).toBe(0);
});

test("random keys differ, and are two words of 32 bits", () => {
  const keys = Array.from({ length: 100 }, randomKey);
  expect(new Set(keys.map(String)).size).toBe(100);
  expect(keys.flat().every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)).toBe(true);
});

const KEY = Uint8Array.from({ length: 8 }, (_, at) => at);

function bytesOf([low, high]: HashKey): Uint8Array {
  return new Uint8Array(new Uint32Array([low, high]).buffer); // little-endian machines alone, as all of ours
}

function utf16(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length * 2 }, (_, at) =>
    at % 2 === 0 ? text.charCodeAt(at / 2) & 0xff : text.charCodeAt((at - 1) / 2) >> 8,
  );
}

/** As the paper has it, byte by byte: HalfSipHash-c-d with an output of 32 bits. */
function halfSipHash(input: Uint8Array, key: Uint8Array, c: number, d: number): number {
  const word = (bytes: Uint8Array, at: number) =>
    [0, 1, 2, 3].reduce((sum, byte) => sum | ((bytes[at + byte] ?? 0) << (8 * byte)), 0);
  const [k0, k1] = [word(key, 0), word(key, 4)];
  const v: State = [k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1];
  const absorb = (message: number) => {
    v[3] ^= message;
    for (let round = 0; round < c; round++) sipRound(v);
    v[0] ^= message;
  };
  const end = input.length - (input.length % 4);
  for (let at = 0; at < end; at += 4) absorb(word(input, at));
  absorb(word(input, end) | (input.length << 24));
  v[2] ^= 0xff;
  for (let round = 0; round < d; round++) sipRound(v);
  return (v[1] ^ v[3]) >>> 0;
}

type State = [number, number, number, number];

function sipRound(v: State): void {
  v[0] = (v[0] + v[1]) | 0;
  v[1] = rotate(v[1], 5) ^ v[0];
  v[0] = rotate(v[0], 16);
  v[2] = (v[2] + v[3]) | 0;
  v[3] = rotate(v[3], 8) ^ v[2];
  v[0] = (v[0] + v[3]) | 0;
  v[3] = rotate(v[3], 7) ^ v[0];
  v[2] = (v[2] + v[1]) | 0;
  v[1] = rotate(v[1], 13) ^ v[2];
  v[2] = rotate(v[2], 16);
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
