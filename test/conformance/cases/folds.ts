import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json, type Subject } from "../subject.ts";

const POST = { method: "POST" } as const;
const PUT = { method: "PUT" } as const;
const DELETE = { method: "DELETE" } as const;

function pairs(mapping: string): string[] {
  return mapping.split(",").sort();
}

/** Plays a song `plays` times, and returns the `Fold` of the answer. */
async function play({ fetch }: Subject, song: string, plays: number): Promise<string | null> {
  return (await fetch(`/song/${song}`, { ...POST, body: String(plays) })).headers.get("fold");
}

/** Folds: the hand-over of counts to a job. */
export const folds: Cases = {
  "a fold is sealed once, and each answer has the same bytes": async (subject) => {
    const { fetch } = subject;
    for (let song = 0; song < 50; song++) await play(subject, `s${song}`, song + 1);
    const first = await fetch("/folds/17", PUT);
    const body = await first.text();
    expect(first.status).toBe(201);
    expect(first.headers.get("content-type")).toBe("text/plain;charset=utf-8");
    expect(pairs(body)).toEqual(Array.from({ length: 50 }, (_, n) => `s${n}=${n + 1}`).sort());
    await play(subject, "s1", 5);
    await expectAnswer(fetch("/folds/17", PUT), 200, body);
    await expectAnswer(fetch("/folds/17"), 200, body);
    await expectAnswer(fetch("/folds/17", { method: "HEAD" }), 200, "");
    const asJson = await expectAnswer(fetch("/folds/17", { headers: json }), 200);
    expect(asJson.headers.get("content-type")).toBe("application/json");
    const parsed = (await (await fetch("/folds/17", { ...PUT, headers: json })).json()) as object;
    expect(Object.keys(parsed)).toHaveLength(50);
  },

  "counts stay when a fold is sealed, and lose its plays when it is acknowledged": async (subject) => {
    const { fetch } = subject;
    await play(subject, "a", 3);
    await play(subject, "b", 1);
    await expectAnswer(fetch("/folds/1", PUT), 201);
    await expectAnswer(fetch("/song/a"), 200, "3");
    await expectAnswer(fetch("/song/a", POST), 200, "4");
    expect(pairs(await (await fetch("/")).text())).toEqual(["a=4", "b=1"]);
    await expectAnswer(fetch("/?top=1"), 200, "a=4");
    await expectAnswer(fetch("/folds/1", DELETE), 200, "OK");
    await expectAnswer(fetch("/song/a"), 200, "1");
    await expectAnswer(fetch("/"), 200, "a=1");
    await expectAnswer(fetch("/folds/1", DELETE), 200, "OK");
  },

  "unacknowledged folds are listed in ascending order": async ({ fetch }) => {
    await expectAnswer(fetch("/folds"), 200, "");
    await expectAnswer(fetch("/folds", { headers: json }), 200, "[]");
    for (const fold of [3, 17, 18]) await expectAnswer(fetch(`/folds/${fold}`, PUT), 201, "");
    await expectAnswer(fetch("/folds"), 200, "3,17,18");
    await expectAnswer(fetch("/folds/3", DELETE), 200);
    const listed = (await (await fetch("/folds", { headers: json })).json()) as { fold: number }[];
    expect(listed.map(({ fold }) => fold)).toEqual([17, 18]);
    await expectAnswer(fetch("/", DELETE), 200);
    await expectAnswer(fetch("/folds"), 200, "");
  },

  "a fold out of order is refused, and nothing is sealed or dropped": async ({ fetch }) => {
    await expectAnswer(fetch("/folds/5", PUT), 201);
    await expectAnswer(fetch("/folds/4", PUT), 409, "Conflict\nFold 4 must be above 5, the newest");
    await expectAnswer(fetch("/folds/7", PUT), 201);
    const older = "Conflict\nFold 5 must be acknowledged before fold 7";
    await expectAnswer(fetch("/folds/7", DELETE), 409, older);
    await expectAnswer(fetch("/folds/6", DELETE), 404, "Not Found\nFold 6 was never sealed");
    await expectAnswer(fetch("/folds/8", DELETE), 404);
    await expectAnswer(fetch("/folds/8"), 404);
    await expectAnswer(fetch("/folds"), 200, "5,7");
  },

  "a number that no fold can have is refused": async (subject) => {
    for (const fold of ["0", "-1", "1.5", "x", "9007199254740992", "1e3", "%31"]) {
      for (const method of ["PUT", "GET", "DELETE"])
        await expectAnswer(subject.fetch(`/folds/${fold}`, { method }), 400);
    }
    await expectAnswer(subject.fetch("/folds/9007199254740991", PUT), 201);
    await expectAnswer(subject.fetch("/folds/9007199254740991", DELETE), 200);
    await expectAnswer(subject.fetch("/folds/1/2", PUT), 404);
    await expectAnswer(subject.fetch("/folds/", PUT), 404);
    await expectNothingCounted(subject);
  },

  "every answer to a play names the fold that was sealed before it": async (subject) => {
    const { fetch } = subject;
    expect(await play(subject, "a", 1)).toBe("0");
    await expectAnswer(fetch("/folds/16", PUT), 201);
    expect(await play(subject, "a", 1)).toBe("16");
    const minimal = await fetch("/song/a", { ...POST, headers: { prefer: "return=minimal" } });
    expect([minimal.status, minimal.headers.get("fold")]).toEqual([204, "16"]);
    const asJson = await fetch("/song/a", { ...POST, headers: json });
    expect(asJson.headers.get("fold")).toBe("16");
  },

  "answers about songs and folds name the newest fold": async ({ fetch }) => {
    const paths = ["/song/a", "/song/never-played", "/", "/?top=3", "/folds"];
    const named = async (init?: RequestInit) =>
      await Promise.all(paths.map(async (path) => (await fetch(path, init)).headers.get("fold")));
    expect(await named()).toEqual(["0", "0", "0", "0", "0"]);
    await expectAnswer(fetch("/folds/16", PUT), 201);
    await expectAnswer(fetch("/song/a", POST), 200);
    expect(await named()).toEqual(["16", "16", "16", "16", "16"]);
    expect(await named({ headers: json })).toEqual(["16", "16", "16", "16", "16"]);
    expect(await named({ method: "HEAD" })).toEqual(["16", "16", "16", "16", "16"]);
    const etag = (await fetch("/")).headers.get("etag") ?? "";
    const unchanged = await expectAnswer(fetch("/", { headers: { "if-none-match": etag } }), 304);
    expect(unchanged.headers.get("fold")).toBe("16");
    await expectAnswer(fetch("/folds/16", DELETE), 200);
    expect(await named()).toEqual(["16", "16", "16", "16", "16"]);
    await expectAnswer(fetch("/", DELETE), 200);
    expect(await named()).toEqual(["0", "0", "0", "0", "0"]);
  },

  "a fold has a label, which others can neither seal again nor acknowledge": async (subject) => {
    const { fetch } = subject;
    const before = Date.now();
    await expectAnswer(fetch("/folds/4", { ...PUT, body: 'mine, of /a=1 "quoted"' }), 201);
    await expectAnswer(fetch("/folds/4", { ...PUT, body: 'mine, of /a=1 "quoted"' }), 200);
    await expectAnswer(fetch("/folds/5", PUT), 201);
    const other = 'Conflict\nFold 4 has the label "mine, of /a=1 \\"quoted\\"": it is of another job';
    await expectAnswer(fetch("/folds/4", { ...PUT, body: "other" }), 409, other);
    await expectAnswer(fetch("/folds/4", PUT), 409, other);
    await expectAnswer(fetch("/folds/4", { ...DELETE, headers: { "fold-label": "other" } }), 409, other);
    const unlabelled = "Conflict\nFold 5 has no label: it is of another job";
    await expectAnswer(fetch("/folds/5", { ...PUT, body: "other" }), 409, unlabelled);
    const listed = (await (await fetch("/folds", { headers: json })).json()) as Record<string, unknown>[];
    expect(listed.map(({ fold, label }) => [fold, label])).toEqual([
      [4, 'mine, of /a=1 "quoted"'],
      [5, ""],
    ]);
    for (const { sealed } of listed) {
      expect(sealed).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Math.abs(Date.parse(sealed as string) - before)).toBeLessThan(60_000);
    }
    const mine = { "fold-label": 'mine, of /a=1 "quoted"' };
    await expectAnswer(fetch("/folds/4", { ...DELETE, headers: mine }), 200, "OK");
    await expectAnswer(fetch("/folds/4", { ...DELETE, headers: mine }), 200, "OK");
    await expectAnswer(fetch("/folds/5", DELETE), 200, "OK");
  },

  "a label that no fold can have is refused, and nothing is sealed": async ({ fetch }) => {
    const longest = "x".repeat(200);
    for (const body of [`${longest}x`, "é", "a\nb", " a", "a ", "\0"])
      await expectAnswer(fetch("/folds/1", { ...PUT, body }), 400);
    const asJson = { "content-type": "application/json" };
    for (const body of [`"${longest}x"`, '"é"', '"a\\nb"', '" a"', '""', "a", "1", "null", '["a"]', '"a'])
      await expectAnswer(fetch("/folds/1", { ...PUT, body, headers: asJson }), 400);
    const asHtml = { "content-type": "text/html" };
    await expectAnswer(fetch("/folds/1", { ...PUT, body: "a", headers: asHtml }), 415);
    await expectAnswer(fetch("/folds"), 200, "");
    await expectAnswer(fetch("/folds/1", { ...PUT, body: longest }), 201);
    await expectAnswer(fetch("/folds/1", { ...DELETE, headers: { "fold-label": `${longest}x` } }), 400);
    await expectAnswer(fetch("/folds"), 200, "1");
  },

  "a label may be sent as text or as a string in JSON": async ({ fetch }) => {
    const asJson = { "content-type": "application/json" };
    await expectAnswer(fetch("/folds/1", { ...PUT, body: ' "of \\u0061 job"\n', headers: asJson }), 201);
    await expectAnswer(fetch("/folds/1", { ...PUT, body: "of a job" }), 200);
    await expectAnswer(fetch("/folds/2", { ...PUT, headers: asJson }), 201);
    const answer = await fetch("/folds", { headers: json });
    const listed = (await answer.json()) as { fold: number; label: string }[];
    expect(listed.map(({ label }) => label)).toEqual(["of a job", ""]);
  },

  "after leaves out folds, and is refused if it needs a dropped one": async (subject) => {
    const { fetch } = subject;
    for (const fold of [1, 2, 3]) {
      await play(subject, "a", 10 ** fold);
      await expectAnswer(fetch(`/folds/${fold}`, PUT), 201);
    }
    await play(subject, "a", 1);
    for (const [after, plays] of [
      [0, 1111],
      [1, 1101],
      [2, 1001],
      [3, 1],
      [99, 1],
    ])
      await expectAnswer(fetch(`/song/a?after=${after}`), 200, String(plays));
    await expectAnswer(fetch("/folds/1", DELETE), 200);
    await expectAnswer(fetch("/song/a?after=0"), 200, "1111");
    await expectAnswer(fetch("/?after=1"), 200, "a=1101");
    await expectAnswer(fetch("/folds/2", DELETE), 200);
    const gone = "Gone\nFold 1 and all older folds are acknowledged and dropped";
    await expectAnswer(fetch("/song/a?after=0"), 410, gone);
    await expectAnswer(fetch("/?after=0"), 410, gone);
    await expectAnswer(fetch("/?top=1&after=0"), 410, gone);
    await expectAnswer(fetch("/song/a?after=1"), 200, "1101");
    await expectAnswer(fetch("/?top=1&after=2"), 200, "a=1001");
    await expectAnswer(fetch("/folds/1"), 410, gone);
    for (const bad of ["x", "-1", "1&after=2", "9007199254740992", ""])
      await expectAnswer(fetch(`/song/a?after=${bad}`), 400);
  },

  "a request that breaks off, or has a condition that fails, seals nothing": async ({ fetch }) => {
    await expectAnswer(fetch("/folds/1", { ...PUT, headers: { "if-match": '"x"' } }), 412);
    await expectAnswer(fetch("/folds"), 200, "");
    await expectAnswer(fetch("/folds/1", { ...PUT, body: "a label" }), 201);
    await expectAnswer(fetch("/folds/1", { ...DELETE, headers: { "if-match": '"x"' } }), 412);
    await expectAnswer(fetch("/folds"), 200, "1");
  },
};
