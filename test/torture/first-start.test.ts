import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Random } from "../support/random.ts";
import { Program } from "./program.ts";

// Creating the files of a new folder takes several writes. The program may be killed between any two.

setDefaultTimeout(300_000);

const KILLS = 8;
const root = mkdtempSync(join(tmpdir(), "playcount-first-start-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Waits until a file has at least `bytes` bytes, or the program listens or has ended. */
async function untilFileHas(file: string, bytes: number, program: Program): Promise<void> {
  let isOver = false;
  void program.listening.then(() => {
    isOver = true;
  });
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? -1;
  while (!isOver && size() < bytes) await setImmediate();
}

/** Starts a program on a folder, and returns its stderr if that fails. */
async function complaint(folder: string): Promise<string> {
  const program = new Program(folder, 1);
  const url = await program.listening;
  const { stderr } = await program.kill();
  return url === undefined ? stderr : "";
}

test.each([
  ["the database exists", "playcount.db", 0],
  ["the database is no longer empty", "playcount.db", 1],
  ["the database has a second page", "playcount.db", 4097],
  ["the log exists", "playcount.db-wal", 0],
])("Killed on a new folder as soon as %s, the program starts there again", async (_when, file, bytes) => {
  const random = new Random(file);
  const complaints: string[] = [];
  for (let n = 0; n < KILLS; n++) {
    const folder = join(root, `${file}-${bytes}-${n}`);
    const program = new Program(folder, 1);
    await untilFileHas(join(folder, file), bytes, program);
    if (n % 2 === 1) await Bun.sleep(random.below(3));
    await program.kill();
    complaints.push(await complaint(folder));
  }
  expect(complaints.filter((text) => text !== "")).toEqual([]);
});
