import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CountClient } from "../../../src/client/client.ts";
import { mountMemory, removeDisks, resizeMemory, testWithDisk } from "../../faults/disk.ts";
import { single } from "../../faults/players.ts";
import { readCounts } from "../../support/counts.ts";
import { rounds } from "../../support/extent.ts";
import { PlayLedger } from "../../support/play-ledger.ts";
import { killAll, run, RUNTIMES } from "../../support/process.ts";
import { serveCounter } from "../../support/workerd.ts";

setDefaultTimeout(300_000);

const root = mkdtempSync(join(tmpdir(), "playcount-workerd-"));
let folders = 0;
const newFolder = () => join(root, String(++folders));
afterEach(async () => {
  await killAll();
  removeDisks();
});
afterAll(() => rmSync(root, { recursive: true }));

const POST = { method: "POST" } as const;

test("Ten thousand songs in a batch are added at once, or none of them", async () => {
  const { url } = await serveCounter(newFolder());
  const songs = Array.from({ length: 10_000 }, (_, song) => `${song}-`.padEnd(250, "x"));
  const send = async (plays: (song: number) => number) => {
    // Of more bytes than a value of the object's database may have.
    const text = songs.map((id, song) => `${encodeURIComponent(id)}=${plays(song)}`).join();
    const answer = await fetch(`${url}batch`, {
      ...POST,
      body: text,
      headers: { "content-type": "text/plain" },
    });
    return { status: answer.status, counts: readCounts(await answer.text()) };
  };
  const first = await send((song) => song + 1);
  expect(first.status).toBe(200);
  expect([...first.counts.values()]).toEqual(songs.map((_, song) => song + 1));
  expect((await send((song) => (song === 9999 ? Number.MAX_SAFE_INTEGER : 1))).status).toBe(409);
  expect(readCounts(await (await fetch(url)).text())).toEqual(first.counts);
});

test("With COUNTERS there are several servers, each with its own counts, folds and links", async () => {
  const { url } = await serveCounter(newFolder(), { COUNTERS: "3", PLAYCOUNT_BASE_PATH: "/plays" });
  const counters = [0, 1, 2].map((counter) => `${url}plays/${counter}`);
  const client = new CountClient(counters);
  const songs = Array.from({ length: 60 }, (_, song) => `song-${song}`);
  await client.addPlays(new Map(songs.map((id) => [id, 2])));
  for (const id of songs) expect(await client.incrementPlayCount(id)).toBe(3);
  expect((await client.getAllPlayCounts()).size).toBe(60);
  const lists = await Promise.all(counters.map(async (counter) => await (await fetch(`${counter}/`)).text()));
  expect(lists.map((list) => readCounts(list).size).filter((size) => size > 5)).toHaveLength(3);
  const database = join(newFolder(), "music.db");
  mkdirSync(dirname(database));
  new Database(database).run("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
  const main = join(import.meta.dir, "../../../src/main.ts");
  const fold = [...RUNTIMES.bun, main, "fold", "--from", counters.join(), "--into", `sqlite:${database}`];
  const { stdout } = await run([...fold, "--unknown", "insert"]);
  expect(stdout).toStartWith("handed over 180 plays of 60 songs ");
  expect((await client.getAllPlayCounts()).size).toBe(0);
  const { headers } = await fetch(`${counters[2]}/`);
  expect(headers.get("link-template")).toBe('"/plays/2/song/{id}"; rel="item"');
  for (const path of [
    "",
    "plays/",
    "plays/3/song/1",
    "plays/01/song/1",
    "plays/song/1",
    "0/song/1",
    "plays/0",
  ]) {
    const answer = await fetch(url + path, POST);
    expect(`${path}: ${answer.status} ${await answer.text()}`).toBe(
      `${path}: 404 Not Found\nThe counters are below /plays/0/ to /plays/2/`,
    );
  }
});

test("One counter keeps its counts when it becomes the first of several", async () => {
  const folder = newFolder();
  const { url, process, ended } = await serveCounter(folder);
  expect(await (await fetch(`${url}song/1`, { ...POST, body: "5" })).text()).toBe("5");
  process.kill("SIGTERM");
  await ended;
  const several = await serveCounter(folder, { COUNTERS: "2" });
  expect(await (await fetch(`${several.url}0/song/1`)).text()).toBe("5");
  expect(await (await fetch(`${several.url}1/song/1`)).text()).toBe("0");
});

test.each([
  ["COUNTERS", "0", 'COUNTERS must be a whole number from 1 to 1000, not "0"'],
  ["COUNTERS", "two", 'COUNTERS must be a whole number from 1 to 1000, not "two"'],
  ["PLAYCOUNT_MAX_FOLDS", "many", 'PLAYCOUNT_MAX_FOLDS must be a whole number from 1 to 64, not "many"'],
])(
  "With %s=%s the log has the reason, and clients learn no more than that it failed",
  async (name, value, reason) => {
    const { url, process, ended } = await serveCounter(newFolder(), { [name]: value });
    const answer = await fetch(`${url}song/1`);
    expect(`${answer.status} ${await answer.text()}`).toBe("500 Internal Server Error");
    process.kill("SIGTERM");
    expect((await ended).stderr).toContain(reason);
  },
);

testWithDisk(
  "While the disk is full nothing is counted, and an answer says that the outcome is unknown",
  async () => {
    const disk = mountMemory(2 ** 20);
    const { url } = await serveCounter(disk, {}, newFolder());
    const ledger = new PlayLedger();
    const play = async (count: number) => {
      for (let song = 0; song < count; song++)
        await ledger.send(url, single(`${folders++}-`.padEnd(400, "x"))); // each is new
    };
    while (ledger.count(500) < 20) await play(10);
    for (const path of ["", "song/1", "?top=3", "folds"]) expect((await fetch(url + path)).status).toBe(200);
    resizeMemory(disk, 2 ** 23);
    const counted = ledger.count(200);
    await play(20);
    expect(ledger.count(200)).toBe(counted + 20);
    expect(await ledger.faults(url)).toEqual([]);
  },
);

/**
 * Longer than the time in which a stream finds out that its client has left, 15 seconds, and that after which
 * the runtime evicts an idle object, 10 seconds.
 */
const IDLE_MS = 28_000;

test.skipIf(rounds(1, 0) === 0)(
  "An object is evicted when no client asks or listens, and goes on with its counts, folds and writers",
  async () => {
    const { url } = await serveCounter(newFolder());
    const headers = { "idempotency-key": '"writer:1"' };
    const state = async () => {
      const list = await fetch(url);
      const folds = await (await fetch(`${url}folds`)).text();
      return { etag: list.headers.get("etag"), list: await list.text(), folds };
    };
    await fetch(`${url}song/1`, { ...POST, headers });
    await fetch(`${url}folds/7`, { method: "PUT" });
    await fetch(`${url}song/1`, POST);
    const before = await state();
    await Bun.sleep(IDLE_MS);
    const after = await state();
    expect(after.etag).not.toBe(before.etag); // of another start
    expect(after).toEqual({ ...before, etag: after.etag });
    expect(await (await fetch(`${url}song/1`, { ...POST, headers })).text()).toBe("1");
    expect(await (await fetch(`${url}song/1`, POST)).text()).toBe("3");
  },
);
