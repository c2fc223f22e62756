import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { askOnce } from "./asking.ts";
import { PROGRAMS } from "./balancer.ts";
import { KEY, meet, READ, REPEATABLE, start, stopAll, WRITES } from "./meeting.ts";
import type { Fate } from "./stand-ins.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

/** Failures of a server after it has read a request, and the status that the client gets. */
const FAILURES: readonly (readonly [fate: Fate, status: number])[] = [
  ["closed", 502],
  ["reset", 502],
  [500, 500],
  [502, 502],
  [503, 503],
  [504, 504],
];

function lineOf(sent: string): string {
  return sent.slice(0, sent.indexOf(" HTTP/"));
}

/** Returns a request as it is named in a test. */
function nameOf(sent: string): string {
  return lineOf(sent) + (sent.includes(KEY) ? " with a key" : "");
}

describe.each(PROGRAMS)("%s", (program) => {
  describe.each(["spread", "shared"] as const)("%s", (setup) => {
    test.each(WRITES.map((sent) => [nameOf(sent), sent]))(
      "sends %s once, and says how it failed",
      async (_, sent) => {
        for (const isUsed of [false, true]) {
          for (const [fate, told] of FAILURES) {
            const { status, seen } = await meet(program, setup, sent, fate, { isUsed });
            const name = `${fate}, ${isUsed ? "used" : "new"} connections`;
            expect(status, name).toBe(told);
            expect(
              seen.map(({ line }) => line),
              name,
            ).toEqual([lineOf(sent)]);
            expect((seen[0]?.before ?? 0) > 0, name).toBe(isUsed);
          }
        }
      },
    );

    test("sends writes once to a server that gives no answer, and says so", async () => {
      const meetings = await Promise.all(WRITES.map((sent) => meet(program, setup, sent, "silent")));
      expect(meetings.map(({ status }) => status)).toEqual(WRITES.map(() => 504));
      expect(meetings.map(({ seen }) => seen.map(({ line }) => line))).toEqual(
        WRITES.map((sent) => [lineOf(sent)]),
      );
    });
  });

  describe.each(["closed", "reset", 503, "silent"] as const)("a server that is %p", (fate) => {
    test("has reading and plays with a key sent to another one, if they share a store", async () => {
      for (const isUsed of [false, true]) {
        const meetings = await Promise.all(
          REPEATABLE.map((sent) => meet(program, "shared", sent, fate, { isUsed })),
        );
        expect(meetings.map(({ status }) => status)).toEqual([200, 200, 200]);
        for (const [at, { seen }] of meetings.entries()) {
          const line = lineOf(REPEATABLE[at] as string);
          expect(seen.map((one) => one.line)).toEqual([line, line]);
          expect(seen[0]?.server).not.toBe(seen[1]?.server);
        }
      }
    });

    test("has nothing sent to another one, if songs are spread", async () => {
      const meetings = await Promise.all(REPEATABLE.map((sent) => meet(program, "spread", sent, fate)));
      expect(meetings.map(({ seen }) => seen.length)).toEqual([1, 1, 1]);
    });
  });

  test("shared sends what a server has not taken to another one, once", async () => {
    const { standIns, url } = await start(program, "shared");
    await standIns.refuse(0);
    const sent = [...REPEATABLE, ...WRITES.filter((write) => write.startsWith("POST "))];
    for (const one of [...sent, ...sent]) expect((await askOnce(url, one))?.status, nameOf(one)).toBe(200);
    expect(standIns.seen.map(({ server, line }) => `${server} ${line}`)).toEqual(
      [...sent, ...sent].map((one) => `1 ${lineOf(one)}`),
    );
  });

  test("shared asks a server again that is back", async () => {
    const { standIns, url } = await start(program, "shared");
    await standIns.refuse(0);
    for (let times = 0; times < 8; times++) await askOnce(url, READ);
    await standIns.listen(0);
    while (!standIns.seen.some(({ server }) => server === 0))
      await askOnce(url, READ).then(() => Bun.sleep(20));
  });
});

test.skipIf(!PROGRAMS.includes("haproxy"))(
  "HAProxy leaves a server alone that says of itself that it is not ready",
  async () => {
    const { standIns, url } = await start("haproxy", "shared");
    standIns.sicken(0);
    do {
      standIns.seen.length = 0;
      for (let times = 0; times < 6; times++) expect((await askOnce(url, READ))?.status).toBe(200);
      await Bun.sleep(20);
    } while (standIns.seen.some(({ server }) => server === 0));
  },
);
