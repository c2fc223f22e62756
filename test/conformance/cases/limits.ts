import { expect } from "bun:test";
import { type Cases, expectAnswer, json } from "../subject.ts";

/** Settings that are not the defaults, and limits that are small enough to reach in a test. */
export const CAPS = {
  resource: "video",
  basePath: "/plays",
  maxSongs: 3,
  maxIdBytes: 8,
  maxBodyBytes: 16,
  bodySeconds: 1,
  maxPendingBytes: 207,
  maxBatchSongs: 3,
  maxFolds: 2,
  maxWriters: 2,
  maxStreams: 2,
  maxStreamSongs: 3,
  streamSeconds: 1,
  idPattern: "[a-z]|[^-A-Z ]+", // each branch has to match the whole id
};

const POST = { method: "POST" } as const;

/** Cases for a server with the settings in {@linkcode CAPS}. */
export const limits: Cases = {
  "the paths follow the settings": async ({ fetch }) => {
    await expectAnswer(fetch("/plays/video/1", POST), 200, "1");
    const { headers } = await expectAnswer(fetch("/plays/"), 200, "1=1");
    expect(headers.get("link-template")).toBe('"/plays/video/{id}"; rel="item"');
    await expectAnswer(fetch("/plays/health"), 200, "OK");
    for (const path of ["/", "/video/1", "/plays/song/1", "/health", "/plays", "/playsvideo/1"]) {
      await expectAnswer(fetch(path), 404, "Not Found");
    }
  },

  "a new song without room is refused, and known songs are still counted": async ({ fetch }) => {
    for (const id of ["a", "b", "c"]) await expectAnswer(fetch(`/plays/video/${id}`, POST), 200, "1");
    const full = "Insufficient Storage\nThe limit of 3 songs is reached";
    await expectAnswer(fetch("/plays/video/d", POST), 507, full);
    await expectAnswer(fetch("/plays/video/d", { ...POST, body: "0" }), 200, "0");
    await expectAnswer(fetch("/plays/video/d"), 200, "0");
    await expectAnswer(fetch("/plays/video/c", POST), 200, "2");
    expect((await (await fetch("/plays/")).text()).split(",").sort()).toEqual(["a=1", "b=1", "c=2"]);
    await expectAnswer(fetch("/plays/", { method: "DELETE" }), 200, "OK");
    await expectAnswer(fetch("/plays/video/d", POST), 200, "1");
  },

  "songs that only an acknowledged fold has take no room from new songs": async ({ fetch }) => {
    for (const id of ["a", "b", "c"]) await expectAnswer(fetch(`/plays/video/${id}`, POST), 200, "1");
    await expectAnswer(fetch("/plays/folds/1", { method: "PUT" }), 201);
    await expectAnswer(fetch("/plays/video/d", POST), 507);
    await expectAnswer(fetch("/plays/folds/1", { method: "DELETE" }), 200);
    for (const id of ["a", "d", "e"]) await expectAnswer(fetch(`/plays/video/${id}`, POST), 200, "1");
    for (const id of ["b", "f"]) await expectAnswer(fetch(`/plays/video/${id}`, POST), 507);
    await expectAnswer(fetch("/plays/video/b?after=0"), 200, "1");
  },

  "an id that idPattern does not match is not counted, and reading it is 0": async ({ fetch }) => {
    const add = (body: string) =>
      fetch("/plays/batch", { ...POST, body, headers: { "content-type": "text/plain" } });
    const pattern = CAPS.idPattern;
    for (const id of ["A", "aB", "a-b", "ab%20", "-a"]) {
      const name = JSON.stringify(decodeURIComponent(id));
      await expectAnswer(
        fetch(`/plays/video/${id}`, POST),
        400,
        `Bad Request\nThe id ${name} does not match ${pattern}`,
      );
      await expectAnswer(fetch(`/plays/video/${id}`, { ...POST, body: "0" }), 400);
      await expectAnswer(fetch(`/plays/video/${id}`), 200, "0");
      const refused = await expectAnswer(add(`a=1,${id}=1`), 400);
      expect(refused.status).toBe(400);
    }
    await expectAnswer(
      add("A=1"),
      400,
      `Bad Request\nCannot read a mapping: expected id=count, found "A=1", whose id does not match ${pattern}`,
    );
    await expectAnswer(fetch("/plays/"), 200, "");
    await expectAnswer(add("a=1,1x=2"), 200, "a=1,1x=2");
  },

  "a writer is forgotten after maxWriters other writers have written": async ({ fetch }) => {
    const play = (writer: string) =>
      fetch("/plays/video/a", { ...POST, headers: { "idempotency-key": `"${writer}:1"` } });
    const [a, b, c] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await expectAnswer(play(a), 200, "1");
    await expectAnswer(play(b), 200, "2");
    await expectAnswer(play(a), 200, "1");
    await expectAnswer(play(c), 200, "3");
    await expectAnswer(play(a), 200, "1");
    await expectAnswer(play(b), 200, "4");
  },

  "a batch with more new songs than room counts nothing": async ({ fetch }) => {
    const add = (body: string) =>
      fetch("/plays/batch", { ...POST, body, headers: { "content-type": "text/plain" } });
    await expectAnswer(add("a=1,b=1"), 200);
    await expectAnswer(add("a=1,c=1,d=1"), 507);
    await expectAnswer(fetch("/plays/video/a"), 200, "1");
    await expectAnswer(add("a=1,c=1"), 200, "a=2,c=1");
    await expectAnswer(add("a=1,b=1,c=1,d=1,e=1"), 413);
    await expectAnswer(add("123456789=1"), 414);
  },

  "a batch may have maxBatchSongs songs, a song that is listed twice counted twice": async ({ fetch }) => {
    const add = (body: string) =>
      fetch("/plays/batch", { ...POST, body, headers: { "content-type": "text/plain" } });
    await expectAnswer(add("a=1,a=1,b=1"), 200, "a=2,b=1");
    const refusal = "Content Too Large\nA batch may have 3 songs: send several batches";
    for (const body of ["a=1,a=1,b=1,b=1", "a=1,b=1,c=1,d=1"]) await expectAnswer(add(body), 413, refusal);
    expect((await (await fetch("/plays/")).text()).split(",").sort()).toEqual(["a=2", "b=1"]);
  },

  "an id as long as the limit is accepted, and a longer one refused": async ({ fetch }) => {
    await expectAnswer(fetch("/plays/video/12345678", POST), 200, "1");
    await expectAnswer(fetch("/plays/video/%C3%A4%C3%A4%C3%A4%C3%A4", POST), 200, "1");
    for (const longer of ["123456789", "%C3%A4%C3%A4%C3%A4%C3%A4x", "%31".repeat(9), "%zz".repeat(9)]) {
      await expectAnswer(fetch(`/plays/video/${longer}`), 414);
      const answer = fetch(`/plays/video/${longer}`, { ...POST, headers: json });
      const problem = await expectAnswer(answer, 414);
      expect(problem.headers.get("content-type")).toBe("application/problem+json");
    }
    expect((await (await fetch("/plays/")).text()).split(",").length).toBe(2);
  },

  "an id in a query may be as long as the limit too": async ({ fetch }) => {
    await expectAnswer(fetch("/plays/?id=12345678&id=%C3%A4%C3%A4%C3%A4%C3%A4"), 200);
    for (const longer of ["123456789", "%C3%A4%C3%A4%C3%A4%C3%A4x"])
      await expectAnswer(fetch(`/plays/?id=1&id=${longer}`), 414);
  },

  "maxFolds folds may be unacknowledged, and the next one is refused": async ({ fetch }) => {
    await expectAnswer(fetch("/plays/video/a", POST), 200, "1");
    for (const fold of [1, 2]) await expectAnswer(fetch(`/plays/folds/${fold}`, { method: "PUT" }), 201);
    await expectAnswer(fetch("/plays/video/a", POST), 200, "2");
    const refusal = "Conflict\nAt most 2 folds may be unacknowledged";
    await expectAnswer(fetch("/plays/folds/3", { method: "PUT" }), 409, refusal);
    await expectAnswer(fetch("/plays/folds"), 200, "1,2");
    await expectAnswer(fetch("/plays/folds/1", { method: "DELETE" }), 200);
    await expectAnswer(fetch("/plays/folds/3", { method: "PUT" }), 201, "a=1");
  },

  "a body as long as the limit is accepted, and a longer one refused": async ({ fetch }) => {
    await expectAnswer(fetch("/plays/video/1", { ...POST, body: "7".padEnd(16) }), 200, "7");
    const refusal = "Content Too Large\nThe body is longer than 16 bytes";
    await expectAnswer(fetch("/plays/video/1", { ...POST, body: "7".padEnd(17) }), 413, refusal);
    await expectAnswer(fetch("/plays/", { method: "DELETE", body: "7".padEnd(17) }), 413, refusal);
    for (const method of ["PUT", "DELETE"])
      await expectAnswer(fetch("/plays/folds/1", { method, body: "7".padEnd(17) }), 413, refusal);
    await expectAnswer(fetch("/plays/folds"), 200, "");
    await expectAnswer(fetch("/plays/"), 200, "1=7");
  },
};
