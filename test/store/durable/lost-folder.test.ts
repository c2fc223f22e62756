import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { killAll, listen, RUNTIMES } from "../../support/process.ts";
import { newFolder, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterAll(removeAll);

const main = join(import.meta.dir, "../../../src/main.ts");

/** Lines for the operator: the file that was lost, then the end. */
const LINES =
  /^playcount: the storage has failed[^\n]+ was removed or replaced in \S+;[^\n]+\nplaycount: stopped; the storage has failed,[^\n]+\n$/;

const LOSSES: readonly [name: string, lose: (folder: string) => void][] = [
  ["deleted", (folder) => rmSync(folder, { recursive: true })],
  ["moved", (folder) => renameSync(folder, newFolder())],
  [
    "replaced by a copy",
    (folder) => {
      renameSync(folder, `${folder}-before`);
      cpSync(`${folder}-before`, folder, { recursive: true });
    },
  ],
  ["left without its log", (folder) => rmSync(join(folder, "playcount.db-wal"))],
  ["left without its record", (folder) => rmSync(join(folder, "last-commit"))],
];

describe.each(LOSSES)("When the folder is %s while it is served,", (_name, lose) => {
  const start = async (...options: string[]) => {
    const folder = newFolder();
    const server = await listen([...RUNTIMES.bun, main, "--port", "0", "--data", folder, ...options]);
    const play = () => fetch(`${server.url}song/1`, { method: "POST" });
    expect((await play()).status).toBe(200);
    return { folder, play, ...server };
  };

  test("plays of new songs are refused as others are, however many", async () => {
    const { folder, url } = await start("--max-songs", "3");
    lose(folder);
    const playNew = async (song: number) =>
      (await fetch(`${url}song/new-${song}`, { method: "POST" })).status;
    await playNew(0);
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, song) => playNew(song)));
    expect(statuses).toEqual(statuses.map(() => 503));
  });

  test("the next write is unknown, later ones are refused, and reads go on", async () => {
    const { folder, play, url, process, ended } = await start();
    lose(folder);
    expect([500, 503]).toContain((await play()).status);
    expect((await play()).status).toBe(503);
    expect((await fetch(`${url}health`)).status).toBe(503);
    expect((await fetch(`${url}song/1`)).status).toBe(200);
    process.kill("SIGTERM");
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([1, expect.stringMatching(LINES)]);
  });

  test("an idle server notices within a second", async () => {
    const { folder, play, url } = await start();
    lose(folder);
    await Bun.sleep(1000);
    expect((await fetch(`${url}health`)).status).toBe(503);
    expect((await play()).status).toBe(503);
  });
});

test("A stop reports a folder that was lost just before", async () => {
  const folder = newFolder();
  const { process, ended } = await listen([...RUNTIMES.bun, main, "--port", "0", "--data", folder]);
  rmSync(folder, { recursive: true });
  process.kill("SIGTERM");
  const { status, stderr } = await ended;
  expect([status, stderr]).toEqual([1, expect.stringMatching(LINES)]);
});
