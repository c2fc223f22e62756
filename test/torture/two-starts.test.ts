import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SEED } from "../support/random.ts";
import { Crowd } from "./crowd.ts";
import { Http } from "./http.ts";
import { Program } from "./program.ts";
import { World } from "./world.ts";

// A folder belongs to one program at a time.

setDefaultTimeout(300_000);

const STARTS = 10;
const root = mkdtempSync(join(tmpdir(), "playcount-two-starts-"));
const started: Program[] = [];

afterAll(async () => {
  await Promise.all(started.map((program) => program.kill()));
  rmSync(root, { recursive: true, force: true });
});

function start(folder: string): Program {
  const program = new Program(folder, 1);
  started.push(program);
  return program;
}

/** Expects the refusal of a folder that another program has. */
async function expectRefused(program: Program): Promise<void> {
  expect(await program.listening).toBeUndefined();
  const { status, stderr } = await program.ended;
  expect(stderr).toMatch(/^playcount: [^\n]*another process uses it\n$/);
  expect(status).toBe(1);
}

async function ask(url: string, method: string, path: string): Promise<string | undefined> {
  const http = await Http.to(url);
  const answer = await http?.ask(method, path);
  http?.close();
  return answer?.body;
}

/** Starts two programs at once. Returns the one that serves, after the other has given up. */
async function startTwo(folder: string): Promise<{ url: string; program: Program }> {
  const programs = [start(folder), start(folder)];
  const urls = await Promise.all(programs.map((program) => program.listening));
  const serving = urls.filter((url) => url !== undefined);
  const said = await Promise.all(programs.map(async (one, n) => urls[n] ?? (await one.ended).stderr));
  expect(serving, said.join("")).toHaveLength(1);
  const winner = urls[0] === undefined ? 1 : 0;
  await expectRefused(programs[1 - winner] as Program);
  return { url: urls[winner] as string, program: programs[winner] as Program };
}

test("Of two programs started at once on an empty folder, one serves", async () => {
  for (let n = 0; n < STARTS; n++) {
    const { url, program } = await startTwo(join(root, `empty-${n}`));
    expect(await ask(url, "POST", "/song/1")).toBe("1");
    await program.kill();
  }
});

test.each(["killed", "stopped"])(
  "Of two programs started at once on a folder whose last one was %s, one serves all its counts",
  async (how) => {
    const folder = join(root, how);
    let program = start(folder);
    await ask((await program.listening) as string, "POST", "/song/1");
    for (let n = 2; n < STARTS + 2; n++) {
      if (how === "stopped") program.stop();
      else await program.kill();
      await program.ended;
      const two = await startTwo(folder);
      expect(await ask(two.url, "POST", "/song/1")).toBe(String(n));
      program = two.program;
    }
    await program.kill();
  },
);

test("A program is not disturbed by others that are started on its folder repeatedly", async () => {
  const folder = join(root, "disturbed");
  const program = start(folder);
  const url = (await program.listening) as string;
  const world = new World();
  const crowd = new Crowd(world, 16, SEED, "under its key");
  const load = crowd.play(url, false);
  for (let n = 0; n < STARTS; n++) await expectRefused(start(folder));
  load.isOver = true;
  await load.done;
  await crowd.catchUp(url);
  await crowd.check(url);
  await program.kill();
  const again = start(folder);
  await crowd.check((await again.listening) as string);
  again.stop();
  expect(await again.ended).toEqual({ status: 0, stderr: "" });
  expect(world.findings).toEqual([]);
  expect([world.ledger.acknowledged > 1000, world.ledger.unknown]).toEqual([true, 0]);
});
