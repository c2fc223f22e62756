import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json, type Subject } from "../subject.ts";

const TEXT = { "content-type": "text/plain" };

function post(
  { fetch }: Subject,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = TEXT,
): Promise<Response> {
  return fetch("/batch", { method: "POST", headers, body });
}

const asJson = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));

/** `POST /batch`: adding a whole mapping. */
export const batch: Cases = {
  "a batch is counted, and answered with the new counts of its songs": async (subject) => {
    const { fetch } = subject;
    await expectAnswer(fetch("/song/a", { method: "POST" }), 200, "1");
    const answer = await expectAnswer(post(subject, "a=2,b%2Fc=5,d=0"), 200, "a=3,b%2Fc=5,d=0");
    expect(answer.headers.get("content-type")).toBe("text/plain;charset=utf-8");
    expect(answer.headers.get("fold")).toBe("0");
    expect((await (await fetch("/")).text()).split(",").sort()).toEqual(["a=3", "b%2Fc=5"]);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await expectAnswer(post(subject, "a=1", form), 200, "a=4");
    await expectAnswer(post(subject, "a=1", { ...TEXT, ...json }), 200, '{"a":5}');
  },

  "a batch may be JSON": async (subject) => {
    const type = { "content-type": "application/json" };
    await expectAnswer(post(subject, '{"a":2,"b/c":5,"__proto__":3}', type), 200, "a=2,b%2Fc=5,__proto__=3");
    await expectAnswer(post(subject, '{"1":1}', { ...type, ...json }), 200, '{"1":1}');
    await expectAnswer(post(subject, " { } ", type), 200, "");
    await expectAnswer(subject.fetch("/song/__proto__"), 200, "3");
  },

  "the plays of a song that is listed twice are added": async (subject) => {
    await expectAnswer(post(subject, "a=1,b=1,a=2,%61=4"), 200, "a=7,b=1");
    const type = { "content-type": "application/json" };
    await expectAnswer(post(subject, ' { "n" : 1 , "n":2e1,"n":3.0 } ', type), 200, "n=24");
    await expectAnswer(post(subject, "%EF%BB%BFw=1"), 200, "%EF%BB%BFw=1");
    await expectAnswer(post(subject, '{"a":1,"\\u0061":2,"x\\"y":3,"a":3}', type), 200, "a=13,x%22y=3");
  },

  "a listing of one server can be added to another server": async (subject) => {
    const ids = [
      "a/b",
      "=",
      ",",
      "歌",
      "😀",
      "100%",
      '"',
      "\\",
      "a b",
      " 5",
      "\n5",
      "\ufeff1",
      "\u2028",
      "\x7f",
    ];
    for (const [at, id] of ids.entries()) {
      const path = `/song/${encodeURIComponent(id)}`;
      await expectAnswer(subject.fetch(path, { method: "POST", body: String(at + 1) }), 200);
    }
    for (const headers of [{}, json]) {
      const list = await (await subject.fetch("/", { headers })).text();
      const type = { "content-type": "accept" in headers ? "application/json" : "text/plain" };
      await expectAnswer(post(subject, list, type), 200);
    }
    for (const [at, id] of ids.entries())
      await expectAnswer(subject.fetch(`/song/${encodeURIComponent(id)}`), 200, String(4 * (at + 1)));
  },

  "a batch with one malformed pair counts nothing, and the answer quotes the pair": async (subject) => {
    for (const bad of [
      "b",
      "b=",
      "=1",
      "b=-1",
      "b=1.5",
      "b=x",
      "b==1",
      "%zz=1",
      "%ff=1",
      "b=9007199254740992",
      "",
    ]) {
      const found = JSON.stringify(bad);
      const detail = `Bad Request\nCannot read a mapping: expected id=count, found ${found}`;
      await expectAnswer(post(subject, `a=1,${bad}`), 400, detail);
      if (bad !== "") await expectAnswer(post(subject, `${bad},a=1`), 400, detail);
    }
    for (const bad of [
      " 5",
      "5 ",
      "a b",
      "\n5",
      "\t5",
      "\ufeff5",
      "\u00a05",
      "\u20285",
      "\x855",
      '"5"',
      "5\x7f",
      "%00",
      "a%00b",
    ]) {
      const quoted = JSON.stringify(decodeURIComponent(`${bad}=2`));
      const refused = await post(subject, `3=1,${bad}=2,4=1`);
      expect({ bad, status: refused.status, body: await refused.text() }).toEqual({
        bad,
        status: 400,
        body: expect.stringContaining(`expected id=count, found ${quoted}`),
      });
      await expectAnswer(post(subject, `${bad}=2`), 400);
    }
    await expectAnswer(post(subject, new Uint8Array([0x61, 0x3d, 0x31, 0x2c, 0xff])), 400);
    const type = { "content-type": "application/json" };
    for (const bad of [
      [],
      1,
      "{",
      { a: -1 },
      { a: 1.5 },
      { a: "1" },
      { a: null },
      { "": 1 },
      { a: 2 ** 53 },
      { a: {} },
    ])
      await expectAnswer(post(subject, asJson(bad), type), 400);
    await expectAnswer(post(subject, '{"a":1,"\\ud800":1}', type), 400);
    await expectAnswer(post(subject, '{"a":1,"x\\u0000":1}', type), 400);
    for (const count of [
      "0.99999999999999999999",
      "1.00000000000000000001",
      "15e-1",
      "-1e0",
      "1e16",
      "1e999999999",
    ])
      await expectAnswer(post(subject, `{"a":1,"b":${count}}`, type), 400);
    await expectAnswer(post(subject, '{"a":1,"b":-1,"b":1}', type), 400);
    for (const hidden of ['{"b":5}', '"zzz"', '{"":5}', '{"\\ud800":5}', "[1]", "null", "true"])
      await expectAnswer(post(subject, `{"a":${hidden},"a":2}`, type), 400);
    await expectAnswer(post(subject, `{"zz":"${'\\"'.repeat(16_000)}","zz":1}`, type), 400);
    for (const dots of [".=1", "a=1,..=1", "%2e=1"]) await expectAnswer(post(subject, dots), 400);
    await expectAnswer(post(subject, `a=1,${"ā".repeat(100_000)}`), 400);
    await expectNothingCounted(subject);
  },

  "a batch with one song that is refused counts nothing": async (subject) => {
    await expectAnswer(post(subject, "a=9007199254740991,b=1"), 200);
    await expectAnswer(post(subject, "b=5,c=1,a=1"), 409);
    await expectAnswer(post(subject, "c=9007199254740991,c=1"), 409);
    await expectAnswer(subject.fetch("/song/b"), 200, "1");
    await expectAnswer(subject.fetch("/song/c"), 200, "0");
    await expectAnswer(post(subject, "a=0,b=1"), 200, "a=9007199254740991,b=2");
  },

  "one line end at the very end of a batch is no part of it": async (subject) => {
    await expectAnswer(post(subject, "a=1,b=2\n"), 200, "a=1,b=2");
    await expectAnswer(post(subject, "a=1\r\n"), 200, "a=2");
    await expectAnswer(post(subject, "\n"), 200, "");
    for (const bad of ["a=1\n\n", "a=1,\n", "a=1\nb=1", "a=1\r", "a=1 \n"])
      await expectAnswer(post(subject, bad), 400);
    await expectAnswer(subject.fetch("/song/a"), 200, "2");
  },

  "a batch with an id that is too long is refused as a play of that song": async (subject) => {
    for (const [body, type] of [
      [`a=1,${"x".repeat(513)}=1`, "text/plain"],
      [JSON.stringify({ a: 1, ["x".repeat(513)]: 1 }), "application/json"],
    ] as const) {
      const answer = await expectAnswer(post(subject, body, { "content-type": type }), 414);
      expect(answer.headers.get("content-type")).toStartWith("text/plain");
      const problem = await post(subject, body, { "content-type": type, ...json });
      expect(await problem.json()).toMatchObject({
        status: 414,
        title: "The id is too long",
        maxIdBytes: 512,
      });
    }
    await expectNothingCounted(subject);
  },

  "an answer says what is missing of JSON without its type, and of a form": async (subject) => {
    for (const body of ['{"a":1,"b":2}', ' {"a":1}', "[1]"]) {
      const refused = await (await post(subject, body)).text();
      expect(refused).toEndWith("; JSON needs Content-Type: application/json");
    }
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const refused = await (await post(subject, "a=1&b=2", form)).text();
    expect(refused).toBe(
      'Bad Request\nCannot read a mapping: expected id=count, found "a=1&b=2"; a comma separates pairs, as in 1=3,5=2',
    );
    await expectNothingCounted(subject);
  },

  "a batch in another character set than UTF-8 is refused": async (subject) => {
    for (const type of ["text/plain", "application/json"]) {
      for (const charset of ["iso-8859-1", "UTF-16", '"utf-16le"']) {
        const refused = await post(subject, "{}", { "content-type": `${type}; charset=${charset}` });
        expect({ charset, status: refused.status }).toEqual({ charset, status: 415 });
      }
    }
    await expectNothingCounted(subject);
    for (const charset of ["utf-8", "UTF8", '"UTF-8"', "us-ascii"])
      await expectAnswer(post(subject, "a=1", { "content-type": `text/plain;charset=${charset}` }), 200);
  },

  "an empty batch counts nothing, and the answer is empty": async (subject) => {
    await expectAnswer(post(subject, ""), 200, "");
    await expectAnswer(post(subject, "", { ...TEXT, ...json }), 200, "{}");
    await expectAnswer(subject.fetch("/batch", { method: "POST" }), 200, "");
    await expectNothingCounted(subject);
  },

  "a batch of another type, encoded, or in JSON longer than 64 KiB is refused": async (subject) => {
    const wrong = await expectAnswer(post(subject, "a=1", { "content-type": "text/html" }), 415);
    expect(wrong.headers.get("accept")).toContain("application/json");
    await expectAnswer(post(subject, "a=1", { ...TEXT, "content-encoding": "gzip" }), 415);
    const type = { "content-type": "application/json" };
    const padded = (bytes: number) => '{"a":1}'.padEnd(bytes);
    await expectAnswer(post(subject, padded(65_537), type), 413);
    await expectNothingCounted(subject);
    await expectAnswer(post(subject, padded(65_536), type), 200, "a=1");
    const long = Array.from({ length: 10_000 }, (_, n) => `song-${n}=1`).join(",");
    await expectAnswer(post(subject, long), 200, long);
  },

  "a batch may have 10,000 songs, a song that is listed twice counted twice": async (subject) => {
    const type = { "content-type": "application/json" };
    const text = (songs: number) => Array.from({ length: songs }, (_, n) => `song-${n}=1`).join(",");
    const sameJson = (songs: number) => `{${Array(songs).fill('"a":1').join(",")}}`;
    const refusal = "A batch may have 10000 songs: send several batches";
    await expectAnswer(post(subject, text(10_001)), 413, `Content Too Large\n${refusal}`);
    await expectAnswer(post(subject, Array(10_001).fill("a=1").join(",")), 413);
    await expectAnswer(post(subject, sameJson(10_001), type), 413);
    await expectNothingCounted(subject);
    await expectAnswer(post(subject, sameJson(10_000), type), 200, "a=10000");
    const counted = text(10_000);
    const object = `{${counted.replaceAll(/(song-\d+)=1/g, '"$1":2')}}`;
    await expectAnswer(post(subject, counted), 200, counted);
    await expectAnswer(post(subject, counted, { ...TEXT, ...json }), 200, object);
  },

  "a batch with a condition that fails counts nothing": async (subject) => {
    await expectAnswer(post(subject, "a=1", { ...TEXT, "if-match": '"x"' }), 412);
    await expectNothingCounted(subject);
  },

  "a batch is counted in one fold, and the answer names the fold before": async (subject) => {
    await expectAnswer(post(subject, "a=1,b=1"), 200);
    await expectAnswer(subject.fetch("/folds/4", { method: "PUT" }), 201);
    const answer = await expectAnswer(post(subject, "b=1,c=1"), 200, "b=2,c=1");
    expect(answer.headers.get("fold")).toBe("4");
    await expectAnswer(subject.fetch("/folds/5", { method: "PUT" }), 201);
    expect((await (await subject.fetch("/folds/5")).text()).split(",").sort()).toEqual(["b=1", "c=1"]);
    const minimal = await post(subject, "a=1", { ...TEXT, prefer: "return=minimal" });
    expect([minimal.status, minimal.headers.get("fold"), await minimal.text()]).toEqual([204, "5", ""]);
  },
};
