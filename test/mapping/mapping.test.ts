import { describe, expect, test } from "bun:test";
import { runAtOnce } from "../../src/async/turns.ts";
import { PairReader, readJsonPairs } from "../../src/mapping/read.ts";
import { MAPPING_SYNTAX, RANKING_SYNTAX, writeList } from "../../src/mapping/write.ts";
import type { Entry } from "../../src/store/count-store.ts";
import { Random } from "../support/random.ts";

const ODD: Entry[] = [
  ["a/b", 1],
  ["a=b,c", 2],
  ["__proto__", 3],
  ["constructor", 4],
  ["\0\n\r\u2028", 5],
  ["歌😀", 6],
  ['"\\', 7],
  ["100%", 8],
  ["10", 9],
  [" ", Number.MAX_SAFE_INTEGER],
];

function parseMapping(source: string): ReadonlyMap<string, number> {
  const plays = new Map<string, number>();
  const reader = new PairReader((text, start, end, count) => plays.set(text.slice(start, end), count));
  reader.push(source);
  reader.finish();
  return plays;
}

test("text is pairs of an encoded id and a count, without a newline at the end", () => {
  expect(writeList(MAPPING_SYNTAX.text, ODD)).toBe(
    "a%2Fb=1,a%3Db%2Cc=2,__proto__=3,constructor=4,%00%0A%0D%E2%80%A8=5,%E6%AD%8C%F0%9F%98%80=6," +
      "%22%5C=7,100%25=8,10=9,%20=9007199254740991",
  );
});

test("JSON is an object that has every id as its own property, in the order given", () => {
  const json = writeList(MAPPING_SYNTAX.json, ODD);
  const parsed: Record<string, number> = JSON.parse(json);
  for (const [id, count] of ODD) expect(Object.getOwnPropertyDescriptor(parsed, id)?.value).toBe(count);
  expect(Object.keys(parsed)).toHaveLength(ODD.length);
  expect(json.indexOf('"a/b":1')).toBeLessThan(json.indexOf('"10":9'));
  expect(json).toStartWith('{"a/b":1,"a=b,c":2,"__proto__":3,');
});

test("a ranking is the same in text, and an array in JSON", () => {
  expect(writeList(RANKING_SYNTAX.text, ODD)).toBe(writeList(MAPPING_SYNTAX.text, ODD));
  expect(JSON.parse(writeList(RANKING_SYNTAX.json, ODD))).toEqual(ODD.map(([id, count]) => ({ id, count })));
  expect(writeList(RANKING_SYNTAX.json, [["__proto__", 5]])).toBe('[{"id":"__proto__","count":5}]');
});

test("a mapping of nothing is empty", () => {
  expect(writeList(MAPPING_SYNTAX.text, [])).toBe("");
  expect(writeList(MAPPING_SYNTAX.json, [])).toBe("{}");
  expect(writeList(RANKING_SYNTAX.text, [])).toBe("");
  expect(writeList(RANKING_SYNTAX.json, [])).toBe("[]");
});

describe("Reading text", () => {
  test("returns the written entries, whatever their ids", () => {
    const random = new Random("mapping");
    const parts = ["a", "=", ",", "%", "%41", "/", "\0", "é", "😀", " ", "1", "__proto__", '"'];
    for (let round = 0; round < 2000; round++) {
      const ids = new Set(Array.from({ length: random.below(8) }, () => random.text(parts, 6)));
      ids.delete("");
      const entries = Array.from(ids, (id): Entry => [id, random.below(2 ** 53)]);
      const source = writeList(MAPPING_SYNTAX.text, entries);
      expect([...parseMapping(source)], source).toEqual(entries as [string, number][]);
    }
  });

  test("returns an empty mapping for an empty text", () => expect(parseMapping("").size).toBe(0));

  test("accepts counts up to 2^53 - 1", () => {
    expect(parseMapping("1=9007199254740991")).toEqual(new Map([["1", 9007199254740991]]));
    expect(() => parseMapping("1=9007199254740992")).toThrow(SyntaxError);
    expect(() => parseMapping("1=10000000000000000")).toThrow(SyntaxError);
  });

  test.each([
    "1",
    "=1",
    "1=",
    "1=-1",
    "1=+1",
    "1=1.0",
    "1=1e3",
    "1=0x1",
    "1= 1",
    "1=1 ",
    "1=1\n\n",
    " 1=1",
    "\ufeff1=1",
    '"1"=1',
    "1=1=1",
    "1=1,",
    ",1=1",
    "1=1,,2=2",
    "%zz=1",
    "%ff=1",
    "%ed%a0%80=1",
    "<html>",
    "1=١",
  ])("refuses %j", (source) => expect(() => parseMapping(source)).toThrow(SyntaxError));

  test("quotes the malformed pair, and of a long one only the beginning", () => {
    expect(() => parseMapping("1=1,2=x,3=y")).toThrow(
      'Cannot read a mapping: expected id=count, found "2=x"',
    );
    expect(() => parseMapping("x".repeat(100_000))).toThrow(/^.{50,200}$/);
  });
});

describe("Reading JSON", () => {
  const pairsOf = (source: string) => {
    const pairs: Entry[] = [];
    runAtOnce(
      readJsonPairs(source, (text, start, end, count) => pairs.push([text.slice(start, end), count])),
    );
    return pairs;
  };

  test("returns the written entries, whatever their ids", () => {
    const random = new Random("mapping in JSON");
    const parts = ["a", '"', "\\", "\n", "\0", "é", "😀", " ", "1", "__proto__", ",", ":", "}"];
    for (let round = 0; round < 2000; round++) {
      const entries = Array.from({ length: random.below(8) }, (): Entry => [
        `x${random.text(parts, 6)}`,
        random.below(2 ** 53),
      ]);
      const source = writeList(MAPPING_SYNTAX.json, entries);
      expect(pairsOf(source), source).toEqual(entries);
      const object = Object.fromEntries(entries);
      expect(Object.fromEntries(pairsOf(JSON.stringify(object, null, " \t")))).toEqual(object);
    }
  });

  test("accepts exactly the objects that JSON.parse accepts", () => {
    const random = new Random("any JSON");
    const parts = [
      "{",
      "}",
      '"a"',
      '"b',
      '"',
      ":",
      ",",
      "1",
      "0",
      "-",
      ".5",
      "e1",
      "E+0",
      "\\u0041",
      "\\",
      " ",
      "\n",
    ];
    const bases = ['{"a":1}', '{"a":1,"b":0}', "{}", ' { "a" : 10 } '];
    for (let round = 0; round < 20_000; round++) {
      const base = bases[random.below(bases.length)] as string;
      const [cut, gone] = [random.below(base.length + 1), random.below(3)];
      const source = base.slice(0, cut) + random.text(parts, 3) + base.slice(cut + gone);
      let pairs: Entry[] | undefined;
      try {
        pairs = pairsOf(source);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
      expect(pairs && Object.fromEntries(pairs), source).toEqual(countsIn(source));
    }
  });

  test("quotes the malformed member", () => {
    expect(() => pairsOf('{"a":1,"b":x,"c":1}')).toThrow('expected "id":count, found "b"');
    expect(() => pairsOf('{"a":1,')).toThrow("Cannot read a mapping");
    expect(() => pairsOf('{"a":1} x')).toThrow("Cannot read a mapping");
    expect(() => pairsOf(`{"${"x".repeat(100_000)}`)).toThrow(/^.{30,200}$/);
  });
});

/** Returns the counts of an object in JSON, by `JSON.parse`; `undefined` if it is no mapping. */
function countsIn(source: string): Record<string, number> | undefined {
  try {
    const value = JSON.parse(source) as Record<string, number>;
    const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
    const isCounted = (id: string) =>
      id !== "" && Number.isSafeInteger(value[id]) && (value[id] as number) >= 0;
    return isMapping && Object.keys(value).every(isCounted) ? value : undefined;
  } catch {
    return undefined;
  }
}
