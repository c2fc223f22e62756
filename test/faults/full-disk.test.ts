import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { PlayLedger } from "../support/play-ledger.ts";
import { killAll, type Listening } from "../support/process.ts";
import { mountMemory, removeDisks, resizeMemory, testWithDisk } from "./disk.ts";
import { Players } from "./players.ts";
import { end, isRefusal, serve, serveOrRefuse, statusOf } from "./server.ts";

setDefaultTimeout(300_000);
afterEach(async () => {
  await killAll();
  removeDisks();
});

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;
const CLIENTS = 16;
const ENOUGH = 200;

/** Clients that play on a disk that is full at times. */
class Filling {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly #players: Players;

  constructor(random: Random) {
    this.#players = new Players(this.ledger, random, { share: 0.5, length: 500 });
  }

  /** Plays until the disk is full, and checks that reads continue. */
  async untilFull({ url }: Listening): Promise<void> {
    const refused = this.ledger.count(503);
    await this.#players.play(url, CLIENTS, () => this.ledger.count(503) >= refused + ENOUGH);
    expect(await statusOf(url, "health")).toBe(503);
    for (const path of ["", "song/song-1", "?top=3", "folds"])
      expect(await statusOf(url, path), path).toBe(200);
  }

  /** Plays on a disk with free space, which the server must detect by itself. */
  async withSpace({ url }: Listening): Promise<void> {
    const refused = this.ledger.count(503);
    const counted = this.ledger.count(200);
    await this.#players.play(url, CLIENTS, () => this.ledger.count(200) >= counted + 500);
    expect(this.ledger.count(503)).toBe(refused);
    expect(await statusOf(url, "health")).toBe(200);
  }

  /** Checks the counts. A full disk leaves no outcome unknown. */
  async check({ url }: Listening): Promise<void> {
    expect(this.ledger.count(500)).toBe(0);
    expect(await this.ledger.faults(url)).toEqual([]);
  }

  /** Checks the counts, and retries keyed requests, which writes nothing. */
  async checkKeys(server: Listening): Promise<void> {
    await this.#players.retryKeyed(server.url);
    await this.check(server);
  }
}

/** The server's line each time the disk becomes full. */
const FULL_LINE = "playcount: the disk is full. Writes are refused until it has free space\n";

/** Expects the line once or more, and nothing else. */
function expectFullLine(stderr: string): void {
  expect(stderr).toContain(FULL_LINE);
  expect(stderr.replaceAll(FULL_LINE, "")).toBe("");
}

/** Fills a disk except for about `free` bytes, and returns the file that fills it. */
function fill(folder: string, free: number): string {
  const filler = join(folder, "filler");
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(filler, new Uint8Array(Math.max(bavail * bsize - free, 0)));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
  return filler;
}

testWithDisk(
  "On a disk that plays have filled, plays are refused and reads continue until it has free space",
  async () => {
    const folder = mountMemory(MEGABYTE);
    const filling = new Filling(new Random("full disk"));
    const server = await serve(folder);
    await filling.untilFull(server);
    await filling.check(server);
    resizeMemory(folder, 64 * MEGABYTE);
    await filling.withSpace(server);
    await filling.check(server);
    const { status, stderr } = await end(server, "SIGTERM");
    expect(status).toBe(0);
    expectFullLine(stderr);
    await filling.checkKeys(await serve(folder));
  },
);

testWithDisk(
  "While the disk has space for small commits only, every play is refused, and the log has one line",
  async () => {
    const folder = mountMemory(24 * MEGABYTE);
    const server = await serve(folder);
    const play = async (path: string, body?: string) =>
      (await fetch(server.url + path, { method: "POST", ...(body !== undefined && { body }) })).status;
    expect(await play("song/known")).toBe(200);
    const filler = fill(folder, 300 * KILOBYTE);
    const batch = Array.from({ length: 4000 }, (_, song) => `${String(song).padEnd(100, "x")}=1`).join(",");
    expect(await play("batch", batch)).toBe(503);
    const statuses: number[] = [];
    for (const start = performance.now(); performance.now() - start < 3500; await Bun.sleep(20)) {
      statuses.push(
        await play("song/known"),
        await play("batch", batch),
        await statusOf(server.url, "health"),
      );
      const put = (await fetch(`${server.url}folds/1`, { method: "PUT" })).status;
      expect([200, 201, 503]).toContain(put); // sealing makes it possible to free space
    }
    expect(new Set(statuses)).toEqual(new Set([503]));
    rmSync(filler);
    expect([await play("song/known"), await play("batch", batch)]).toEqual([200, 200]);
    const { status, stderr } = await end(server, "SIGTERM");
    expect([status, stderr]).toEqual([0, FULL_LINE]);
  },
);

testWithDisk(
  "When the disk fills repeatedly and the server is stopped or killed in between, no play is lost or doubled",
  async () => {
    const random = new Random("full disks");
    const folder = mountMemory(24 * MEGABYTE);
    const filling = new Filling(random);
    let server = await serve(folder);
    for (let round = 0; round < 12; round++) {
      const filler = fill(folder, random.below(100 * KILOBYTE));
      await filling.untilFull(server);
      if (random.chance(0.5)) {
        const signal = random.pick(["SIGTERM", "SIGKILL"] as const);
        const { status, stderr } = await end(server, signal);
        expect(status).toBe(signal === "SIGTERM" ? 0 : null);
        expectFullLine(stderr);
        server = await serve(folder);
        await filling.checkKeys(server);
      }
      rmSync(filler);
      await filling.withSpace(server);
      await filling.check(server);
      await end(server, random.pick(["SIGTERM", "SIGKILL"]));
      server = await serve(folder);
      await filling.checkKeys(server);
    }
  },
);

testWithDisk(
  "A start on a full disk fails with one line and status 1, and succeeds with free space",
  async () => {
    let refused = 0;
    const failed: string[] = [];
    for (let room = 0; room <= 64; room += 4) {
      const folder = mountMemory(MEGABYTE);
      const filler = fill(folder, room * KILOBYTE);
      const start = await serveOrRefuse(folder);
      if ("status" in start) {
        expect(isRefusal(start), start.stderr).toBe(true);
        refused++;
      }
      await killAll();
      rmSync(filler);
      const again = await serveOrRefuse(folder);
      if ("status" in again) failed.push(`after a start in ${room} KiB: ${again.stderr}`);
    }
    expect(failed).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  },
);
