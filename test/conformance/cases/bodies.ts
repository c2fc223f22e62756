import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json } from "../subject.ts";

function post(body: string | Uint8Array | undefined, type?: string): RequestInit {
  const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
  return body === undefined ? { method: "POST", headers } : { method: "POST", body, headers };
}

/** Bodies of `POST /song/{id}`. */
export const bodies: Cases = {
  "a body that is a whole number adds it": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", post("41")), 200, "41");
    await expectAnswer(fetch("/song/1", post("1\n")), 200, "42");
    await expectAnswer(fetch("/song/1", post(" \t\r\n007 ")), 200, "49");
    await expectAnswer(fetch("/song/1", post("0")), 200, "49");
    await expectAnswer(fetch("/song/1", post(new TextEncoder().encode("1"))), 200, "50");
  },

  "an empty body adds one": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", post("")), 200, "1");
    await expectAnswer(fetch("/song/1", post("", "image/png")), 200, "2");
    await expectAnswer(fetch("/song/1", post(undefined, "image/png")), 200, "3");
  },

  "adding 0 to an unknown song registers nothing": async (subject) => {
    await expectAnswer(subject.fetch("/song/1", post("0")), 200, "0");
    await expectNothingCounted(subject);
  },

  "a body that is not a whole number is refused": async (subject) => {
    const bad = [
      "-1",
      "+1",
      "1.5",
      "1e3",
      "0x10",
      "one",
      "1 2",
      "1,2",
      "NaN",
      "Infinity",
      "null",
      '"1"',
      " ",
      "\0",
      "１",
      "a=1",
    ];
    for (const body of bad) {
      const answer = await subject.fetch("/song/1", post(body));
      expect({ body, status: answer.status, answer: await answer.text() }).toEqual({
        body,
        status: 400,
        answer: "Bad Request\nThe body must be a whole number, 0 or more",
      });
    }
    await expectNothingCounted(subject);
  },

  "a body that is not UTF-8 is refused": async (subject) => {
    for (const bytes of [[0x31, 0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
      await expectAnswer(subject.fetch("/song/1", post(new Uint8Array(bytes))), 400);
    }
    await expectNothingCounted(subject);
  },

  "a number may be sent as text, as JSON, or as curl sends it": async ({ fetch }) => {
    const types = [
      "text/plain",
      "Text/Plain; charset=utf-8",
      "application/json",
      "application/json;charset=utf-8",
      "application/x-www-form-urlencoded",
    ];
    for (const [at, type] of types.entries())
      await expectAnswer(fetch("/song/1", post("2", type)), 200, String(2 * at + 2));
  },

  "a number in JSON is read as in a batch": async ({ fetch }) => {
    const play = (body: string) => fetch("/song/1", post(body, "application/json"));
    for (const [body, count] of [
      ["1.0", "1"],
      ["1e3", "1001"],
      [" 2.50E+1\n", "1026"],
      ["0e999999999", "1026"],
      ["-0", "1026"],
      ["9007199254739965", "9007199254740991"],
    ] as const)
      await expectAnswer(play(body), 200, count);
    for (const body of ["0.99999999999999999999", "1.5", "15e-1", "-1", "007", "1.", ".5", "+1", '"1"'])
      await expectAnswer(play(body), 400, "Bad Request\nThe body must be a whole number, 0 or more");
    for (const body of ["9007199254740992", "1e16", "1e999999999"]) await expectAnswer(play(body), 409);
  },

  "a number that is packed, or binary, is refused before it is decoded": async (subject) => {
    const gzipped = new Uint8Array([0x1f, 0x8b, 8, 0, 0xff, 0xfe]);
    const send = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
      subject.fetch("/song/1", { method: "POST", body, headers });
    await expectAnswer(send(gzipped, { "content-type": "text/plain", "content-encoding": "gzip" }), 415);
    await expectAnswer(send(gzipped, { "content-type": "application/gzip" }), 415);
    await expectAnswer(send(new Uint8Array(100_000).fill(0xff), { "content-type": "application/gzip" }), 415);
    const form = new FormData();
    form.set("plays", new File([new Uint8Array(3000).fill(0xff)], "plays.bin"));
    await expectAnswer(subject.fetch("/song/1", { method: "POST", body: form }), 415);
    await expectNothingCounted(subject);
  },

  "a body of any other type is refused": async (subject) => {
    for (const type of [
      "image/png",
      "text/html",
      "application/xml",
      "multipart/form-data; boundary=x",
      "nonsense",
    ]) {
      const answer = await expectAnswer(subject.fetch("/song/1", post("1", type)), 415);
      expect(answer.headers.get("vary")).toBe("Accept");
      expect(answer.headers.get("accept")).toBe(
        "text/plain, application/json, application/x-www-form-urlencoded",
      );
    }
    const gzipped = { method: "POST", body: "7", headers: { "content-encoding": "gzip" } };
    await expectAnswer(subject.fetch("/song/1", gzipped), 415);
    await expectNothingCounted(subject);
  },

  "clearing ignores the content of a body": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", post("7")), 200, "7");
    await expectAnswer(fetch("/", { ...post(new Uint8Array([0xff])), method: "DELETE" }), 200, "OK");
  },

  "a body that is larger than the limit is refused, in JSON if that is preferred": async (subject) => {
    const answer = await subject.fetch("/song/1", { ...post("1".padEnd(1025)), headers: json });
    expect(await answer.json()).toEqual({
      type: "/openapi.json#/components/schemas/BodyTooLarge",
      title: "The body is too large",
      status: 413,
      detail: "The body is longer than 1024 bytes",
      maxBodyBytes: 1024,
    });
    await expectNothingCounted(subject);
  },

  "a batch of the most songs with the longest ids is accepted": async ({ fetch }) => {
    const songs = Array.from(
      { length: 10_000 },
      (_, n) => `${"%41".repeat(508)}${String(n).padStart(4, "0")}=1`,
    );
    await expectAnswer(fetch("/batch", post(songs.join(","))), 200);
  },

  "a number may have 1 KiB, and so may a body that is ignored": async (subject) => {
    const number = (bytes: number) => post("1".padEnd(bytes));
    await expectAnswer(subject.fetch("/song/1", number(1024)), 200, "1");
    const refusal = "Content Too Large\nThe body is longer than 1024 bytes";
    for (const [method, path] of [
      ["POST", "/song/1"],
      ["PUT", "/folds/1"],
      ["DELETE", "/"],
    ] as const) {
      await expectAnswer(subject.fetch(path, { ...number(1025), method }), 413, refusal);
      const stream = new Blob(["1".padEnd(1025)]).stream();
      await expectAnswer(subject.fetch(path, { method, body: stream }), 413, refusal);
    }
    await expectAnswer(subject.fetch("/"), 200, "1=1");
  },
};
