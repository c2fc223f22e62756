import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Random } from "../support/random.ts";
import { Program } from "./program.ts";

// What is in a new folder takes several writes: between any two of them the program may be killed.

setDefaultTimeout(120_000);

const KILLS = 8;
const root = mkdtempSync(join(tmpdir(), "playcount-first-start-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Waits until a file is there that has at least so many bytes, or the program has ended or listens. */
async function untilThereIs(file: string, bytes: number, program: Program): Promise<void> {
  let isOver = false;
  void program.listening.then(() => {
    isOver = true;
  });
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? -1;
  while (!isOver && size() < bytes) await setImmediate();
}

/** What a program says that cannot start on a folder; nothing if it can. */
async function complaint(folder: string): Promise<string> {
  const program = new Program(folder, 1);
  const url = await program.listening;
  const { stderr } = await program.kill();
  return url === undefined ? stderr : "";
}

test.each([
  ["the database is there", "playcount.db", 0],
  ["something is in the database", "playcount.db", 1],
  ["more is in the database", "playcount.db", 4097],
  ["the log is there", "playcount.db-wal", 0],
])("Killed on a new folder as %s, it starts there again", async (_when, file, bytes) => {
  const random = new Random(file);
  const complaints: string[] = [];
  for (let n = 0; n < KILLS; n++) {
    const folder = join(root, `${file}-${bytes}-${n}`);
    const program = new Program(folder, 1);
    await untilThereIs(join(folder, file), bytes, program);
    if (n % 2 === 1) await Bun.sleep(random.below(3));
    await program.kill();
    complaints.push(await complaint(folder));
  }
  expect(complaints.filter((text) => text !== "")).toEqual([]);
});
