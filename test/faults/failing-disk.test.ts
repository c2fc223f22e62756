import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { Random } from "../support/random.ts";
import { PlayLedger } from "../support/play-ledger.ts";
import { type Ended, killAll, type Listening } from "../support/process.ts";
import { lacks } from "../support/extent.ts";
import { preload } from "./c-program.ts";
import { FoldJob } from "./fold-job.ts";
import { Players, single } from "./players.ts";
import { end, isRefusal, serve, serveOrRefuse, statusOf } from "./server.ts";
import { newPath, removeWorkFolder } from "./work-folder.ts";

setDefaultTimeout(300_000);
afterEach(async () => {
  await killAll();
  removeWorkFolder();
});

const CLIENTS = 24;
const ROUNDS = 8;

/** All kinds of writes: each is refused after the storage has failed. */
const WRITES: readonly [method: string, path: string, body?: string][] = [
  ["POST", "song/song-1"],
  ["POST", "batch", "song-1=1,song-2=1"],
  ["PUT", "folds/1000"],
  ["DELETE", ""],
];

/** A server whose disk fails on demand. */
class Failing {
  readonly folder: string = newPath();
  readonly ledger: PlayLedger = new PlayLedger();
  readonly players: Players;
  readonly job: FoldJob;
  readonly #flag: string = newPath();
  readonly #environment: Record<string, string>;

  constructor(variable: string, random: Random) {
    this.players = new Players(this.ledger, random);
    this.job = new FoldJob(this.ledger, random);
    this.#environment = { ...preload("faulty-disk.c"), [variable]: this.#flag };
  }

  start(): Promise<Listening> {
    return serve(this.folder, this.#environment);
  }

  startOrRefuse(): Promise<Listening | Ended> {
    return serveOrRefuse(this.folder, this.#environment);
  }

  fail(): void {
    writeFileSync(this.#flag, "");
  }

  recover(): void {
    rmSync(this.#flag);
  }

  /** Starts the server on a sound disk, and returns the faults of its counts. */
  async faults(): Promise<string[]> {
    const { url } = await serve(this.folder);
    await this.players.retryKeyed(url);
    await this.job.resume(url);
    return await this.ledger.faults(url);
  }
}

/** Expects a server to serve reads and to refuse writes. */
async function expectFence(url: string): Promise<void> {
  for (const [method, path, body] of WRITES) {
    const answer = await fetch(url + path, {
      method,
      body: body ?? null,
      headers: { "content-type": "text/plain" },
    });
    expect([answer.status, answer.headers.get("retry-after")], `${method} /${path}`).toEqual([
      503,
      expect.any(String),
    ]);
  }
  for (const path of ["", "song/song-1", "?top=3", "folds", "metrics"])
    expect(await statusOf(url, path), path).toBe(200);
  expect(await statusOf(url, "health")).toBe(503);
}

describe.skipIf(lacks("cc")).each([
  ["fails to sync", "SYNC_FAILS_WHILE"],
  ["fails to write", "WRITE_FAILS_WHILE"],
])("When a disk %s", (_failure, variable) => {
  test("the play under way is unknown, and later writes are refused", async () => {
    const random = new Random(variable);
    // Sometimes a background write fails first, and this play is refused.
    for (let outcome = "refused"; outcome === "refused";) {
      const failing = new Failing(variable, random);
      const { ledger, players } = failing;
      const server = await failing.start();
      await players.play(server.url, CLIENTS, () => ledger.count(200) >= 1000);
      failing.fail();
      ({ outcome } = await ledger.send(server.url, single("song-1")));
      expect(outcome).toBeOneOf(["unknown", "refused"]);
      await expectFence(server.url);
      failing.recover();
      await expectFence(server.url);
      expect(ledger.count(500)).toBe(outcome === "unknown" ? 1 : 0);
      const { status, stderr } = await end(server, "SIGTERM");
      expect(stderr).toMatch(/^playcount: [^\n]+\nplaycount: stopped; the storage has failed[^\n]+\n$/);
      expect(status).toBe(1);
      expect(await failing.faults()).toEqual([]);
    }
  });

  test("at any moment, for a moment, no play is lost or counted twice", async () => {
    const random = new Random(`${variable} at any moment`);
    const failing = new Failing(variable, random);
    for (let round = 0; round < ROUNDS || failing.ledger.count(500) === 0; round++) {
      const server = await failing.start();
      let isOver = false;
      const playing = failing.players.play(server.url, CLIENTS, () => isOver);
      const handingOver = failing.job.run(server.url, () => isOver);
      await Bun.sleep(random.below(150));
      failing.fail();
      await Bun.sleep(random.below(20));
      failing.recover();
      await Bun.sleep(20);
      isOver = true;
      await Promise.all([playing, handingOver]);
      await end(server, random.pick(["SIGTERM", "SIGKILL"]));
      expect(await failing.faults(), `round ${round}`).toEqual([]);
      await killAll();
    }
    expect(failing.ledger.count(500)).toBeGreaterThan(0);
  });

  test("a first start is refused in one line, and the next start succeeds", async () => {
    const failing = new Failing(variable, new Random(variable));
    failing.fail();
    expect(await failing.startOrRefuse()).toSatisfy((start) => "status" in start && isRefusal(start));
    failing.recover();
    expect(await failing.startOrRefuse()).toHaveProperty("url");
  });
});
