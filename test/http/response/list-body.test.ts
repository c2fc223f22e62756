import { describe, expect, spyOn, test } from "bun:test";
import { listBody } from "../../../src/http/response/list-body.ts";
import { PAUSE } from "../../../src/store/chunks.ts";
import type { Chunk } from "../../../src/store/count-store.ts";
import { MAPPING_SYNTAX, RANKING_SYNTAX, writeList } from "../../../src/mapping/write.ts";
import { type Entry, ShardedStore } from "../../../src/mod.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";

/** Least length of a piece of a list, in characters. */
const PIECE = 64 * 1024;

describe.each(["text", "json"] as const)("A list as %s", (format) => {
  const grammar = MAPPING_SYNTAX[format];

  test("is the same as written at once, however it is cut into pieces", async () => {
    const random = new Random(`listing ${format}`);
    for (let round = 0; round < rounds(150, 40); round++) {
      const chunks = anyChunks(random, round % 10 === 0 ? 40 : 3);
      const expected = writeList(grammar, chunks.flat());
      expect(await textOf(await listBody(chunks, grammar))).toBe(expected);
      expect(await textOf(await listBody(later(chunks), grammar))).toBe(expected);
    }
  });

  test("of nothing is empty", async () => {
    const empty = format === "json" ? "{}" : "";
    expect(listBody([], grammar)).toBe(empty);
    expect(listBody([[], []], grammar)).toBe(empty);
    expect(await textOf(await listBody(later([]), grammar))).toBe(empty);
    expect(await textOf(await listBody(later([[], []]), grammar))).toBe(empty);
  });

  test("is a string if short, a stream if long, and a promise only with an asynchronous store", async () => {
    for (const [chunks, kind] of [
      [chunksOf(10, 100), "string"],
      [chunksOf(100, 1000), "object"],
    ] as const) {
      expect(listBody(chunks, grammar)).not.toBeInstanceOf(Promise);
      expect(typeof listBody(chunks, grammar)).toBe(kind);
      expect(listBody(later(chunks), grammar)).toBeInstanceOf(Promise);
      expect(typeof (await listBody(later(chunks), grammar))).toBe(kind);
    }
  });

  test("lets other work run at each pause of the store", async () => {
    const songs = chunksOf(3, 10);
    const chunks = songs.flatMap((chunk) => [chunk, PAUSE]);
    for (const source of [chunks, later(chunks)]) {
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      expect(await textOf(await listBody(source, grammar))).toBe(writeList(grammar, songs.flat()));
      clearInterval(timer);
      expect(turns).toBeGreaterThan(1);
    }
  });

  test("is written beside others", async () => {
    const lists = Array.from({ length: 5 }, (_, n) => chunksOf(100 + 50 * n, 20 + 60 * n));
    const bodies = lists.map((chunks, n) =>
      listBody(n % 2 === 0 ? chunks : chunks.flatMap((chunk) => [PAUSE, chunk]), grammar),
    );
    const texts = await Promise.all(bodies.map(async (body) => await textOf(await body)));
    expect(texts).toEqual(lists.map((chunks) => writeList(grammar, chunks.flat())));
  });

  test("comes in pieces of at least 64 KiB, which exceed that by at most one chunk", async () => {
    const chunks = chunksOf(500, 100);
    const longest = Math.max(...chunks.map((chunk) => writeList(grammar, chunk).length));
    for (const source of [chunks, later(chunks)]) {
      const sizes = (await piecesOf(await listBody(source, grammar))).map((piece) => piece.length);
      expect(sizes.length).toBeGreaterThan(5);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(PIECE + longest);
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(PIECE);
    }
  });
});

test.each(["text", "json"] as const)(
  "A list of a packed store as %s is the same as that of its entries as strings",
  async (format) => {
    const random = new Random(`packed listing ${format}`);
    const parts = [
      "a",
      "=",
      ",",
      '"',
      "\\",
      "\0",
      "\x1f",
      "\x7f",
      "\n",
      "é",
      "\u2028",
      "😀",
      "/",
      "~",
      "'",
      "%",
    ];
    for (let round = 0; round < rounds(100, 20); round++) {
      const store = new ShardedStore({ maxSongs: 1_000_000 });
      const counts = [1, 9, 10, 2 ** 30 - 1, 2 ** 30, 2 ** 53 - 1];
      for (let n = random.below(round % 10 === 0 ? 20_000 : 100); n > 0; n--) {
        const plays = random.chance(0.3) ? random.pick(counts) : random.below(1e9) + 1;
        const id = random.text(parts, 9);
        if (store.get(id) === 0) store.add(id, plays);
      }
      const expected = writeList(
        MAPPING_SYNTAX[format],
        Array.from(store.entries(), (chunk) => [...chunk]).flat(),
      );
      expect(await textOf(await listBody(store.entries(), MAPPING_SYNTAX[format]))).toBe(expected);
    }
  },
);

test("A ranking is written in its own syntax", () => {
  expect(listBody([[["a", 1]], [["b", 2]]], RANKING_SYNTAX.json)).toBe(
    '[{"id":"a","count":1},{"id":"b","count":2}]',
  );
});

describe.each([
  ["at once", false],
  ["later", true],
])("A list of a store that answers %s", (_, isLater) => {
  const chunks = chunksOf(1000, 100); // 1.7 MB
  const perPiece = Math.ceil(PIECE / writeList(MAPPING_SYNTAX.text, chunks[0] ?? []).length);

  test("is cut off if its reader reads nothing for a minute, and its walk ends", async () => {
    const { source, walk } = watched(chunks, isLater);
    const timeouts = spyOn(globalThis, "setTimeout");
    const reader = streamOf(await listBody(source, MAPPING_SYNTAX.text)).getReader();
    await settled(walk);
    const [cutOff] = timeouts.mock.calls.findLast(([, ms]) => ms === 60_000) ?? [];
    timeouts.mockRestore();
    (cutOff as () => void)();
    expect(await reader.read().catch(({ name }) => name)).toBe("AbortError");
    await settled(walk);
    expect(walk.returned).toBe(1);
  });

  test("is not read ahead of its reader", async () => {
    const { source, walk } = watched(chunks, isLater);
    const reader = streamOf(await listBody(source, MAPPING_SYNTAX.text)).getReader();
    for (let pieces = 0; pieces <= 5; pieces++) {
      if (pieces > 0) await reader.read();
      await settled(walk);
      // One piece waits to be read.
      expect(walk.read).toBeWithin((pieces + 1) * (perPiece - 1), (pieces + 1) * perPiece + 1);
    }
    expect(walk.returned).toBe(0);
    await reader.cancel();
  });

  test("ends the walk if its reader cancels", async () => {
    const { source, walk } = watched(chunks, isLater);
    const reader = streamOf(await listBody(source, MAPPING_SYNTAX.text)).getReader();
    await reader.read();
    await reader.cancel();
    await settled(walk);
    expect(walk.returned).toBe(1);
    expect(walk.read).toBeLessThan(3 * perPiece);
  });

  test("ends the walk if it is cancelled before the first read", async () => {
    const { source, walk } = watched(chunks, isLater);
    await streamOf(await listBody(source, MAPPING_SYNTAX.text)).cancel();
    await settled(walk);
    expect(walk.returned).toBe(1);
    expect(walk.read).toBeLessThan(2 * perPiece);
  });

  test("breaks off instead of ending if the store fails during the walk", async () => {
    const failure = new Error("disk on fire");
    const { source } = watched(chunks, isLater, { after: 500, failure });
    const pieces: string[] = [];
    const log = spyOn(console, "error").mockImplementation(() => {});
    const outcome = piecesOf(await listBody(source, MAPPING_SYNTAX.text), pieces).then(
      () => "ended",
      (error: unknown) => error,
    );
    expect(await outcome).toBe(failure);
    expect(log.mock.calls).toEqual([[failure]]);
    log.mockRestore();
    expect(pieces.length).toBeGreaterThan(2);
  });
});

test("A store that fails early fails before the answer begins", async () => {
  const failure = new Error("disk on fire");
  const fault = { after: 5, failure };
  expect(() => listBody(watched(chunksOf(10, 10), false, fault).source, MAPPING_SYNTAX.text)).toThrow(
    failure,
  );
  const later = await Promise.allSettled([
    listBody(watched(chunksOf(10, 10), true, fault).source, MAPPING_SYNTAX.text),
  ]);
  expect(later).toEqual([{ status: "rejected", reason: failure }]);
});

interface Walk {
  read: number;
  returned: number;
}

interface Fault {
  after: number;
  failure: Error;
}

/** Chunks that count their reads, and record the end of the walk. */
function watched(
  chunks: Entry[][],
  isLater: boolean,
  fault?: Fault,
): { source: Iterable<Entry[]> | AsyncIterable<Entry[]>; walk: Walk } {
  const walk: Walk = { read: 0, returned: 0 };
  function next(): IteratorResult<Entry[]> {
    if (walk.read === fault?.after) throw fault.failure;
    const value = chunks[walk.read];
    if (value === undefined) return { done: true, value };
    walk.read++;
    return { done: false, value };
  }
  function end(): IteratorResult<Entry[]> {
    walk.returned++;
    return { done: true, value: undefined };
  }
  const sync = { next, return: end };
  const async = { next: () => turn().then(next), return: () => turn().then(end) };
  const source = isLater ? { [Symbol.asyncIterator]: () => async } : { [Symbol.iterator]: () => sync };
  return { source, walk };
}

async function* later(chunks: Chunk[]): AsyncGenerator<Chunk> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

function chunksOf(chunks: number, size: number): Entry[][] {
  return Array.from({ length: chunks }, (_, chunk) =>
    Array.from({ length: size }, (_, n): Entry => [
      `song-${String(chunk * size + n).padStart(6, "0")}`,
      1000 + n,
    ]),
  );
}

function anyChunks(random: Random, most: number): Entry[][] {
  const parts = ["a", "=", ",", '"', "\\", "\0", "é", "😀", "/", "__proto__", "x".repeat(50)];
  return Array.from({ length: random.below(most + 1) }, () =>
    Array.from({ length: random.below(100) }, (): Entry => [random.text(parts, 9), random.below(2 ** 53)]),
  );
}

/** Waits until work that goes on by itself has ended. */
async function settled(walk: Walk): Promise<void> {
  let before: string;
  do {
    before = JSON.stringify(walk);
    // a walk sleeps for a millisecond between two pieces
    for (let turns = 0; turns < 5; turns++) await Bun.sleep(2);
  } while (JSON.stringify(walk) !== before);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function streamOf(body: string | ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (typeof body === "string") throw new TypeError("Expected a stream");
  return body;
}

async function piecesOf(body: string | ReadableStream<Uint8Array>, pieces: string[] = []): Promise<string[]> {
  for await (const piece of streamOf(body)) pieces.push(new TextDecoder().decode(piece));
  return pieces;
}

async function textOf(body: string | ReadableStream<Uint8Array>): Promise<string> {
  return typeof body === "string" ? body : await new Response(body).text();
}
