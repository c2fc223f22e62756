import { describe, expect, test } from "bun:test";
import { type BodyReading, readText } from "../../../src/http/request/body.ts";
import { readWholeNumber } from "../../../src/http/request/number-body.ts";
import { Problem } from "../../../src/http/response/problem.ts";

const KIB = 1024;

describe("A text", () => {
  test("is the whole body, wherever it is cut into pieces", async () => {
    const bytes = new TextEncoder().encode("aé歌😀b");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const pieces = [bytes.slice(0, cut), new Uint8Array(), bytes.slice(cut)];
      expect(await readText(post(streamOf(pieces)), upTo(KIB))).toBe("aé歌😀b");
    }
  });

  test("is empty without a body", async () => {
    expect(await readText(new Request("http://h/"), upTo(0))).toBe("");
    expect(await readText(post(""), upTo(1))).toBe("");
  });

  test("may be as long as the limit, in bytes, and no longer", async () => {
    for (const [text, bytes] of [
      ["aaaa", 4],
      ["éé", 4],
      ["歌a", 4],
      ["😀", 4],
    ] as const) {
      expect(await readText(post(text), upTo(bytes))).toBe(text);
      expect(await statusOf(readText(post(text), upTo(bytes - 1)))).toBe(413);
      const pieces = Array.from(new TextEncoder().encode(text), (byte) => Uint8Array.of(byte));
      expect(await readText(post(streamOf(pieces)), upTo(bytes))).toBe(text);
      expect(await statusOf(readText(post(streamOf(pieces)), upTo(bytes - 1)))).toBe(413);
    }
  });

  test("with a Content-Length above the limit is not read", async () => {
    const source = counted(() => new Uint8Array(1));
    const request = post(source.stream, { "content-length": "11" });
    expect(await statusOf(readText(request, upTo(10)))).toBe(413);
    expect(request.bodyUsed).toBe(false);
  });

  test("without an end is read up to the limit, and then cancelled", async () => {
    const source = counted(() => new Uint8Array(KIB));
    expect(await statusOf(readText(post(source.stream), upTo(10 * KIB)))).toBe(413);
    expect(source.pulled).toBeWithin(11, 14); // a stream reads one or two ahead
    await source.cancelled;
  });

  test("that is longer than its Content-Length and the limit is refused", async () => {
    const source = counted(() => new Uint8Array(KIB));
    const request = post(source.stream, { "content-length": "1" });
    expect(await statusOf(readText(request, upTo(10 * KIB)))).toBe(413);
  });

  test("with a trusted length is read in one piece if short, and refused if too long", async () => {
    for (const trusted of [true, false]) {
      const request = (text: string) => post(text, { "content-length": String(text.length) });
      expect(await readText(request("abc"), upTo(3, trusted))).toBe("abc");
      expect(await statusOf(readText(request("abcd"), upTo(3, trusted)))).toBe(413);
      expect(await readText(request("x".repeat(100_000)), upTo(100_000, trusted))).toHaveLength(100_000);
    }
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
    expect(await statusOf(readText(post(broken, { "content-length": "3" }), upTo(KIB, true)))).toBe(400);
  });

  test("that breaks off is refused", async () => {
    const broken = new ReadableStream({
      start: (controller) => controller.enqueue(Uint8Array.of(49)),
      pull: (controller) => controller.error(new Error("connection reset")),
    });
    expect(await statusOf(readText(post(broken), upTo(KIB)))).toBe(400);
  });

  test.each([
    [[0xff]],
    [[0xc0, 0xaf]],
    [[0xed, 0xa0, 0x80]],
    [[0x31, 0xe6, 0xad]],
    [[0xf4, 0x90, 0x80, 0x80]],
  ])("that is not UTF-8 is refused: %p", async (bytes) =>
    expect(await statusOf(readText(post(Uint8Array.from(bytes)), upTo(KIB)))).toBe(400),
  );
});

describe("A whole number", () => {
  const read = (body: string, type?: string) =>
    readWholeNumber(post(body, type === undefined ? {} : { "content-type": type }), upTo(KIB));

  test.each([
    ["0", 0],
    ["1", 1],
    ["007", 7],
    [" 5\n", 5],
    ["\r\n\t5\t", 5],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("%j is %d", async (body, number) => expect(await read(body)).toBe(number));

  test.each(
    [
      ["-1", "+1", "-0", "1.0", "1.", ".5", "1e3", "0x10", "1_000", "1,000", "1n", "1 2", "١"],
      [" ", "\n", "\u00a01", "1\0", "1\v"],
      ['"1"', "null", "true", "{}", "[1]", "one", "NaN", "Infinity"],
    ].flat(),
  )("%j is refused", async (body) => expect(await statusOf(read(body))).toBe(400));

  test("without a body is undefined", async () => {
    expect(await read("")).toBeUndefined();
    expect(await read("", "image/png")).toBeUndefined();
    expect(await readWholeNumber(new Request("http://h/", { method: "POST" }), upTo(KIB))).toBeUndefined();
  });

  test.each([
    "text/plain",
    "Text/Plain; charset=utf-8",
    "application/json",
    "application/x-www-form-urlencoded ; x=y",
  ])("is accepted as %p", async (type) => expect(await read("5", type)).toBe(5));

  test("is accepted without a content type", async () => {
    const request = post(streamOf([new TextEncoder().encode("5")]));
    expect(request.headers.get("content-type")).toBeNull();
    expect(await readWholeNumber(request, upTo(KIB))).toBe(5);
  });

  test.each([
    "text/html",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "text/plainer",
    "json",
  ])("is refused as %p", async (type) => expect(await statusOf(read("5", type))).toBe(415));

  test("that is too long is 413, whatever its content, and 415 with another type", async () => {
    expect(await statusOf(read("x".repeat(KIB + 1), "text/plain"))).toBe(413);
    expect(await statusOf(read("x".repeat(KIB + 1), "image/png"))).toBe(415);
    expect(await read("0".repeat(KIB - 1) + "5")).toBe(5);
  });
});

function post(body: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}): Request {
  return new Request("http://h/", { method: "POST", body, headers });
}

function streamOf(pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** An endless stream that counts its reads, and records a cancellation. */
function counted(next: () => Uint8Array): {
  stream: ReadableStream;
  pulled: number;
  cancelled: Promise<void>;
} {
  const cancelled = Promise.withResolvers<void>();
  const source = {
    pulled: 0,
    cancelled: cancelled.promise,
    stream: new ReadableStream({
      pull(controller) {
        source.pulled++;
        controller.enqueue(next());
      },
      cancel: () => cancelled.resolve(),
    }),
  };
  return source;
}

function upTo(maxBodyBytes: number, trustsLength: boolean = false): BodyReading {
  return { maxBodyBytes, bodySeconds: 60, trustsLength };
}

async function statusOf(reading: Promise<unknown>): Promise<number | undefined> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
  return undefined;
}
