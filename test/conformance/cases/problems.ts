import { expect } from "bun:test";
import { expectProblem } from "../problems.ts";
import { type Cases, expectAnswer, json } from "../subject.ts";

const POST = { method: "POST" } as const;
const PUT = { method: "PUT" } as const;
const DELETE = { method: "DELETE" } as const;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

const OUT_OF_ORDER = { type: "FoldOutOfOrder", status: 409, title: "The fold is out of order" };
const UNKNOWN_FOLD = { type: "UnknownFold", status: 404, title: "The fold was never sealed" };
const DROPPED = { type: "FoldDropped", status: 410, title: "The fold was acknowledged and dropped" };
const OVERFLOW = { type: "CountOverflow", status: 409, title: "The count would exceed 2^53 - 1" };

/** Problems as programs read them: by type and members (RFC 9457). */
export const problems: Cases = {
  "a count that would exceed 2^53 - 1 is a CountOverflow": async (subject) => {
    const { fetch } = subject;
    await expectAnswer(fetch("/song/a", { ...POST, body: String(MAX_COUNT - 1) }), 200);
    const members = { count: MAX_COUNT - 1, plays: 2 };
    await expectProblem(subject, "/song/a", { ...POST, body: "2" }, { ...OVERFLOW, members });
    await expectProblem(subject, "/batch", { ...POST, body: "b=1,a=2" }, { ...OVERFLOW, members });
    const alone = { ...POST, body: String(MAX_COUNT + 1) };
    await expectProblem(subject, "/song/a", alone, { ...OVERFLOW, members: {} });
    const sum = { ...POST, body: `a=${MAX_COUNT},a=1` };
    await expectProblem(subject, "/batch", sum, { ...OVERFLOW, members: {} });
  },

  "an overflow with the kept fold is a CountOverflow with its plays": async (subject) => {
    const { fetch } = subject;
    await expectAnswer(fetch("/song/a", { ...POST, body: String(MAX_COUNT - 2) }), 200);
    await expectAnswer(fetch("/folds/1", PUT), 201);
    await expectAnswer(fetch("/folds/1", DELETE), 200);
    await expectAnswer(fetch("/song/a", POST), 200, "1");
    const members = { count: 1, plays: 2, kept: MAX_COUNT - 2 };
    await expectProblem(subject, "/song/a", { ...POST, body: "2" }, { ...OVERFLOW, members });
    await expectProblem(subject, "/batch", { ...POST, body: "b=1,a=2" }, { ...OVERFLOW, members });
    await expectAnswer(fetch("/song/a", POST), 200, "2");
    await expectAnswer(fetch("/song/a?after=0"), 200, String(MAX_COUNT));
  },

  "a fold out of order is a FoldOutOfOrder with the newest or the oldest": async (subject) => {
    const { fetch } = subject;
    for (const fold of [5, 7]) await expectAnswer(fetch(`/folds/${fold}`, PUT), 201);
    const tooLow = { ...OUT_OF_ORDER, members: { fold: 4, newestFold: 7 } };
    await expectProblem(subject, "/folds/4", PUT, tooLow);
    const tooEarly = { ...OUT_OF_ORDER, members: { fold: 7, oldestFold: 5 } };
    await expectProblem(subject, "/folds/7", DELETE, tooEarly);
  },

  "a fold that was never sealed is an UnknownFold, and a dropped one a FoldDropped": async (subject) => {
    const { fetch } = subject;
    for (const init of [{}, DELETE])
      await expectProblem(subject, "/folds/3", init, { ...UNKNOWN_FOLD, members: { fold: 3 } });
    for (const fold of [1, 2]) {
      await expectAnswer(fetch(`/folds/${fold}`, PUT), 201);
      await expectAnswer(fetch(`/folds/${fold}`, DELETE), 200);
    }
    for (const path of ["/folds/1", "/song/a?after=0", "/?after=0", "/?top=1&after=0"])
      await expectProblem(subject, path, {}, { ...DROPPED, members: { newestDropped: 1 } });
  },

  "an old key is a StaleKey with the newest request, and the key of a different request a KeyReused": async (
    subject,
  ) => {
    const writer = crypto.randomUUID();
    const play = (seq: number, body: string) => ({
      ...POST,
      body,
      headers: { "content-type": "text/plain", "idempotency-key": `"${writer}:${seq}"` },
    });
    await expectAnswer(subject.fetch("/song/a", play(5, "1")), 200, "1");
    const stale = {
      type: "StaleKey",
      status: 409,
      title: "The writer has already sent a newer request",
      members: { seq: 4, newestSeq: 5 },
    };
    const reused = {
      type: "KeyReused",
      status: 422,
      title: "The Idempotency-Key belongs to a different request",
      members: { seq: 5 },
    };
    await expectProblem(subject, "/song/a", play(4, "1"), stale);
    await expectProblem(subject, "/batch", play(4, "a=1"), stale);
    await expectProblem(subject, "/song/a", play(5, "2"), reused);
    await expectProblem(subject, "/batch", play(5, "a=1"), reused);
  },

  "the type of a refused HEAD is in its Link": async ({ fetch }) => {
    const { headers } = await expectAnswer(fetch("/folds/3", { method: "HEAD" }), 404, "");
    expect(headers.get("link")).toBe('</openapi.json#/components/schemas/UnknownFold>; rel="type"');
  },

  "a problem whose status says it all is about:blank, and has no Link": async ({ fetch }) => {
    for (const [path, init, status] of [
      ["/nothing", {}, 404],
      ["/song/%ff", {}, 400],
      ["/song/1", PUT, 405],
      ["/song/1", { ...POST, headers: { "if-match": '"x"' } }, 412],
    ] as const) {
      const { headers } = await expectAnswer(fetch(path, init), status);
      expect(headers.get("link")).toBeNull();
      const asJson = await fetch(path, {
        ...init,
        headers: { ...("headers" in init && init.headers), ...json },
      });
      expect(await asJson.json()).toMatchObject({ type: "about:blank", status });
      expect(asJson.headers.get("link")).toBeNull();
    }
  },
};

/** The same for a server with the settings in `CAPS`. */
export const cappedProblems: Cases = {
  "a new song without room is a StoreFull": async (subject) => {
    const { fetch } = subject;
    for (const id of ["a", "b", "c"]) await expectAnswer(fetch(`/plays/video/${id}`, POST), 200, "1");
    const wanted = {
      type: "StoreFull",
      status: 507,
      title: "No room for a new song",
      members: { maxSongs: 3 },
    };
    await expectProblem(subject, "/plays/video/d", POST, wanted);
    await expectProblem(subject, "/plays/batch", { ...POST, body: "a=1,d=1" }, wanted);
  },

  "an id that is too long is an IdTooLong": async (subject) => {
    const wanted = {
      type: "IdTooLong",
      status: 414,
      title: "The id is too long",
      members: { maxIdBytes: 8 },
    };
    for (const init of [{}, POST]) await expectProblem(subject, "/plays/video/123456789", init, wanted);
    await expectProblem(subject, `/plays/video/${"%31".repeat(9)}`, POST, wanted);
  },

  "a body that is too large is a BodyTooLarge": async (subject) => {
    const body = "7".padEnd(17);
    const title = "The body is too large";
    const wanted = { type: "BodyTooLarge", status: 413, title, members: { maxBodyBytes: 16 } };
    await expectProblem(subject, "/plays/video/1", { ...POST, body }, wanted);
    await expectProblem(subject, "/plays/", { ...DELETE, body }, wanted);
  },

  "a batch of too many songs is a BatchTooLarge": async (subject) => {
    const title = "The batch has too many songs";
    const wanted = { type: "BatchTooLarge", status: 413, title, members: { maxBatchSongs: 3 } };
    await expectProblem(subject, "/plays/batch", { ...POST, body: "a=1,a=1,a=1,a=1" }, wanted);
  },

  "one fold too many is a TooManyFolds": async (subject) => {
    for (const fold of [1, 2]) await expectAnswer(subject.fetch(`/plays/folds/${fold}`, PUT), 201);
    const title = "No room for another fold";
    const wanted = { type: "TooManyFolds", status: 409, title, members: { maxFolds: 2 } };
    await expectProblem(subject, "/plays/folds/3", PUT, wanted);
  },
};
