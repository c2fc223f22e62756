import { expect } from "bun:test";
import { EventReader, eventStream } from "../event-reader.ts";
import { type Cases, expectAnswer, type Subject } from "../subject.ts";

const POST = { method: "POST" } as const;

/** Opens a stream, and passes it to `read`; the stream is closed then. */
async function withStream(
  { fetch }: Pick<Subject, "fetch">,
  path: string,
  read: (events: EventReader) => Promise<void>,
): Promise<void> {
  const events = await EventReader.open(fetch, path);
  try {
    await read(events);
  } finally {
    await events.close();
  }
}

/** The same, as soon as the server has room: a runtime may notice late that a client is gone. */
async function withRoom(subject: Subject, path: string, read: () => Promise<void>): Promise<void> {
  for (let isDone = false; !isDone;)
    await withStream(subject, path, async (events) => {
      isDone = (await events.next()) !== undefined;
      if (isDone) await read();
    });
}

/** Plays once, and checks the new count. */
async function play({ fetch }: Pick<Subject, "fetch">, path: string, count: number): Promise<void> {
  await expectAnswer(fetch(path, POST), 200, String(count));
}

/** Streams of counts. */
export const streams: Cases = {
  "a stream begins with the count, and has each change": async (subject) => {
    await play(subject, "/song/a%2Fb", 1);
    await withStream(subject, "/song/a%2Fb", async (events) => {
      expect(await events.next()).toEqual({ event: "counts", data: { "a/b": 1 } });
      await play(subject, "/song/a%2Fb", 2);
      expect(await events.until(({ data }) => (data as Record<string, number>)["a/b"] === 2)).toBe(true);
      await expectAnswer(subject.fetch("/", { method: "DELETE" }), 200);
      expect(await events.until(({ data }) => (data as Record<string, number>)["a/b"] === 0)).toBe(true);
    });
  },

  "a stream of songs begins with all of them, and then has those that change": async (subject) => {
    await play(subject, "/song/7", 1);
    await withStream(subject, "/?id=9&id=7&id=8&id=7", async (events) => {
      const first = await events.next();
      expect(JSON.stringify(first?.data)).toBe('{"7":1,"8":0,"9":0}'); // JSON.parse orders numbers
      expect(events.text).toContain('data: {"9":0,"7":1,"8":0}\n\n');
      await play(subject, "/song/other", 1);
      await play(subject, "/song/8", 1);
      expect((await events.next())?.data).toEqual({ "8": 1 });
      await play(subject, "/song/9", 1);
      expect((await events.next())?.data).toEqual({ "9": 1 });
    });
  },

  "a stream of the highest songs has all of them at each change": async (subject) => {
    await play(subject, "/song/1", 1);
    await withStream(subject, "/?top=2", async (events) => {
      expect((await events.next())?.data).toEqual([{ id: "1", count: 1 }]);
      await expectAnswer(subject.fetch("/song/2", { ...POST, body: "5" }), 200);
      const both = [
        { id: "2", count: 5 },
        { id: "1", count: 1 },
      ];
      expect((await events.next())?.data).toEqual(both);
      await expectAnswer(subject.fetch("/song/0", POST), 200); // of equal count, and lower in order
      expect((await events.next())?.data).toEqual([both[0], { id: "0", count: 1 }]);
    });
  },

  "streams leave out the folds up to after": async (subject) => {
    const { fetch } = subject;
    await expectAnswer(fetch("/song/1", { ...POST, body: "3" }), 200, "3");
    await expectAnswer(fetch("/folds/1", { method: "PUT" }), 201);
    await withStream(subject, "/?id=1&after=1", async (events) => {
      await withStream(subject, "/song/1?after=0", async (others) => {
        expect((await events.next())?.data).toEqual({ "1": 0 });
        expect((await others.next())?.data).toEqual({ "1": 3 });
        await play(subject, "/song/1", 4);
        expect((await events.next())?.data).toEqual({ "1": 1 });
        expect((await others.next())?.data).toEqual({ "1": 4 });
      });
    });
    await expectAnswer(fetch("/folds/1", { method: "DELETE" }), 200);
    await withStream(subject, "/?top=1&after=0", async (events) => {
      expect((await events.next())?.data).toEqual([{ id: "1", count: 4 }]);
      await expectAnswer(fetch("/folds/2", { method: "PUT" }), 201);
      await expectAnswer(fetch("/folds/2", { method: "DELETE" }), 200); // drops fold 1
      expect(await events.rest()).toBeString(); // the stream ends
    });
    await expectAnswer(fetch("/?top=1&after=0", { headers: eventStream }), 410);
  },

  "a stream is not stored or held back, and its client comes back after a random time": async (subject) => {
    const retries: string[] = [];
    for (let n = 0; n < 5; n++)
      await withStream(subject, "/song/1", async (events) => {
        const { headers, status } = events.response;
        expect(status).toBe(200);
        expect(headers.get("content-type")).toBe("text/event-stream");
        expect(headers.get("cache-control")).toBe("no-store");
        expect(headers.get("x-accel-buffering")).toBe("no");
        expect(headers.get("vary")).toBe("Accept");
        expect(headers.get("fold")).toBe("0");
        await events.next();
        const [, retry = ""] = /^retry: (\d+)\nevent: counts\n/.exec(events.text) ?? [];
        expect(Number(retry)).toBeWithin(1000, 5001);
        retries.push(retry);
      });
    expect(new Set(retries).size).toBeGreaterThan(1);
    const head = await expectAnswer(
      subject.fetch("/song/1", { method: "HEAD", headers: eventStream }),
      200,
      "",
    );
    expect(head.headers.get("content-type")).toBe("text/event-stream");
  },

  "only a client that prefers a stream gets one": async ({ fetch }) => {
    for (const [accept, type] of [
      ["text/event-stream", "text/event-stream"],
      ["text/event-stream, */*;q=0.1", "text/event-stream"],
      ["application/json, text/event-stream", "application/json"],
      ["text/event-stream;q=0.5, text/plain", "text/plain;charset=utf-8"],
      ["text/*", "text/plain;charset=utf-8"],
    ] as const) {
      const answer = await fetch("/?id=1", { headers: { accept } });
      expect(answer.headers.get("content-type")).toBe(type);
      await answer.body?.cancel();
    }
    const unacceptable = "Not Acceptable\nAccept must allow text/plain or application/json";
    for (const path of ["/folds", "/folds/1"])
      await expectAnswer(fetch(path, { headers: eventStream }), 406, unacceptable);
    await expectAnswer(fetch("/song/1", { ...POST, headers: eventStream }), 406, unacceptable);
    const all = fetch("/", { headers: eventStream });
    await expectAnswer(all, 406, "Not Acceptable\nA stream needs id or top");
  },

  "a stream that cannot be is refused as any other answer": async ({ fetch }) => {
    for (const [path, status] of [
      ["/?id=", 400],
      ["/?id=1&top=1", 400],
      [`/?${"id=1&".repeat(101)}`, 400],
      ["/?top=0", 400],
      ["/?id=1&after=x", 400],
      ["/song/1?id=2", 400],
      ["/song/%00", 400],
      [`/song/${"x".repeat(513)}`, 414],
      [`/?id=${"x".repeat(513)}`, 414],
    ] as const)
      await expectAnswer(fetch(path, { headers: eventStream }), status);
  },

  "metrics count the open streams": async (subject) => {
    const openNow = async () => {
      const text = await (await subject.fetch("/metrics")).text();
      return Number(/^playcount_streams (\d+)$/m.exec(text)?.[1]);
    };
    const reach = async (count: number) => {
      while ((await openNow()) !== count) await Bun.sleep(20);
    };
    await reach(0); // streams of other cases are closed
    await withStream(subject, "/song/1", async (events) => {
      await events.next();
      expect(await openNow()).toBe(1);
    });
    // A runtime that notices a client that is gone only when it writes needs a change.
    while ((await openNow()) > 0) {
      await expectAnswer(subject.fetch("/song/1", POST), 200);
      await Bun.sleep(50);
    }
  },
};

/** Streams of a server with the settings in `CAPS`. */
export const cappedStreams: Cases = {
  "a stream ends by itself, at about its time": async (subject) => {
    const startedAt = performance.now();
    await withStream(subject, "/plays/video/a", async (events) => {
      expect((await events.next())?.data).toEqual({ a: 0 });
      expect(await events.rest()).toBe("");
    });
    expect(performance.now() - startedAt).toBeGreaterThan(700);
  },

  "past maxStreams a stream says when to come back, and ends": async (subject) => {
    await withRoom(subject, "/plays/video/a", async () => {
      await withRoom(subject, "/plays/?top=1", async () => {
        const answer = await subject.fetch("/plays/?id=a", { headers: eventStream });
        expect(answer.headers.get("content-type")).toBe("text/event-stream");
        expect(await answer.text()).toBe("retry: 60000\n\n");
        await expectAnswer(subject.fetch("/plays/?id=a"), 200, "a=0");
      });
    });
    await withRoom(subject, "/plays/?id=a", async () => {});
  },

  "past maxStreamSongs too": async (subject) => {
    await withRoom(subject, "/plays/?id=a&id=b", async () => {
      const answer = subject.fetch("/plays/?id=a&id=b&id=c&id=d", { headers: eventStream });
      await expectAnswer(answer, 200, "retry: 60000\n\n");
      await withRoom(subject, "/plays/?id=a&id=b&id=c", async () => {});
    });
  },
};

/** Streams of a server with the settings in `GUARDED`. */
export const guardedStreams: Cases = {
  "a page of an origin that is not listed reads no stream": async (subject) => {
    for (const path of ["/song/1", "/?id=1", "/?top=1"]) {
      const headers = { ...eventStream, origin: "https://other.example" };
      const answer = await expectAnswer(subject.fetch(path, { headers }), 403);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      const listed = { ...eventStream, origin: "https://page.example" };
      const stream = await subject.fetch(path, { headers: listed });
      expect(stream.headers.get("access-control-allow-origin")).toBe("https://page.example");
      expect(stream.headers.get("content-type")).toBe("text/event-stream");
      await stream.body?.cancel();
    }
  },
};
