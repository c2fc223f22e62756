import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { PlayLedger } from "../support/play-ledger.ts";
import { killAll, type Listening } from "../support/process.ts";
import { mountMemory, removeDisks, resizeMemory, testWithDisk } from "./disk.ts";
import { Players } from "./players.ts";
import { end, isRefusal, serve, serveOrRefuse, statusOf } from "./server.ts";

setDefaultTimeout(120_000);
afterEach(async () => {
  await killAll();
  removeDisks();
});

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;
const CLIENTS = 16;
const ENOUGH = 200;

/** Clients that play on a disk which is full at times. */
class Filling {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly #players: Players;

  constructor(random: Random) {
    this.#players = new Players(this.ledger, random, { share: 0.5, length: 500 });
  }

  /** Plays until there is no room, and looks how the server is then. */
  async untilFull({ url }: Listening): Promise<void> {
    const refused = this.ledger.count(503);
    await this.#players.play(url, CLIENTS, () => this.ledger.count(503) >= refused + ENOUGH);
    expect(await statusOf(url, "health")).toBe(503);
    for (const path of ["", "song/song-1", "?top=3", "folds"])
      expect(await statusOf(url, path), path).toBe(200);
  }

  /** Plays where there is room. The server is to find out by itself. */
  async withRoom({ url }: Listening): Promise<void> {
    const refused = this.ledger.count(503);
    const counted = this.ledger.count(200);
    await this.#players.play(url, CLIENTS, () => this.ledger.count(200) >= counted + 500);
    expect(this.ledger.count(503)).toBe(refused);
    expect(await statusOf(url, "health")).toBe(200);
  }

  /** Holds a server to what was answered. A full disk leaves nothing unknown. */
  async check({ url }: Listening): Promise<void> {
    expect(this.ledger.count(500)).toBe(0);
    expect(await this.ledger.faults(url)).toEqual([]);
  }

  /** The same, and what was sent with keys is sent again; that writes nothing. */
  async checkKeys(server: Listening): Promise<void> {
    await this.#players.sendAgain(server.url);
    await this.check(server);
  }
}

/** By the server, each time that the disk becomes full. */
const SAID = "playcount: the disk is full, and nothing is counted meanwhile\n";

/** Once or more, and nothing else. */
function expectSaid(stderr: string): void {
  expect(stderr).toContain(SAID);
  expect(stderr.replaceAll(SAID, "")).toBe("");
}

/**
 * Takes the room of a disk, but for so many bytes or what a server takes meanwhile; gives the file that does
 * it.
 */
function fill(folder: string, but: number): string {
  const filler = join(folder, "filler");
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(filler, new Uint8Array(Math.max(bavail * bsize - but, 0)));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
  return filler;
}

testWithDisk(
  "On a disk that plays have filled, plays are refused and reads go on, until there is room again",
  async () => {
    const folder = mountMemory(MEGABYTE);
    const filling = new Filling(new Random("full disk"));
    const server = await serve(folder);
    await filling.untilFull(server);
    await filling.check(server);
    resizeMemory(folder, 64 * MEGABYTE);
    await filling.withRoom(server);
    await filling.check(server);
    const { status, stderr } = await end(server, "SIGTERM");
    expect(status).toBe(0);
    expectSaid(stderr);
    await filling.checkKeys(await serve(folder));
  },
);

testWithDisk(
  "A disk is full again and again, and the server is stopped or killed in between: nothing is lost or doubled",
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
        expectSaid(stderr);
        server = await serve(folder);
        await filling.checkKeys(server);
      }
      rmSync(filler);
      await filling.withRoom(server);
      await filling.check(server);
      await end(server, random.pick(["SIGTERM", "SIGKILL"]));
      server = await serve(folder);
      await filling.checkKeys(server);
    }
  },
);

testWithDisk(
  "A start on a disk without room is one line and status 1, and a start when there is room succeeds",
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
