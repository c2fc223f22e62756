import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandTarget } from "../../src/cli/fold/command-target.ts";
import { Placement } from "../../src/client/placement.ts";
import { ServerClient } from "../../src/client/server-client.ts";
import { CountServers } from "../../src/fold/count-servers.ts";
import { handOverEach, type JobOptions, preview } from "../../src/fold/job.ts";
import { ServerTarget } from "../../src/fold/server-target.ts";
import { SqlTarget } from "../../src/fold/sql/sql-target.ts";
import type { Target } from "../../src/fold/target.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { openDatabase, query } from "./support/databases.ts";
import { Crash, crashAt, Ledger, tryJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
const folder = mkdtempSync(join(tmpdir(), "playcount-trials-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(stopAll);

const SONGS = Array.from({ length: 10 }, (_, n): [string, number] => [`song ${n}`, n + 1]);

let servers: string[] = [];
let tables = 0;
beforeEach(() => (servers = [servePlaycount(), servePlaycount()]));

function optionsOf(target: Target): JobOptions {
  const client = new ServerClient({ retries: 0 });
  return {
    target,
    counters: new CountServers({ client, servers: new Placement(servers).urls, log: () => {} }),
  };
}

async function run(options: JobOptions): Promise<void> {
  for await (const _ of handOverEach(options));
}

/** Returns songs and plays that a trial says, and which fold is the last one. */
async function trial(target: Target): Promise<[songs: number, plays: number]> {
  const before = await Promise.all(
    servers.map(async (server) => await (await fetch(`${server}/folds`)).text()),
  );
  const { songs, plays } = await preview(optionsOf(target));
  const after = await Promise.all(
    servers.map(async (server) => await (await fetch(`${server}/folds`)).text()),
  );
  expect(after).toEqual(before);
  return [songs, plays];
}

async function newTable(): Promise<(onStep?: (name: string) => void) => Target> {
  const url = `sqlite:${join(folder, `${++tables}.db`)}`;
  const sql = new Bun.SQL(url);
  await sql.unsafe("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
  await sql.close();
  for (const [id] of SONGS) await query(url, "INSERT INTO song VALUES (?, 0)", [id]);
  const options = { unknown: "keep", partSongs: 3, log: () => {} } as const;
  return (onStep) => new SqlTarget(openDatabase(url), { ...options, onStep });
}

const TARGETS: [string, () => Promise<() => Target>][] = [
  ["a table", newTable],
  ["a command", async () => await Promise.resolve(() => new CommandTarget("cat >/dev/null", "trial"))],
  [
    "other servers",
    async () => {
      const to = new Placement(servePlaycount());
      return await Promise.resolve(
        () => new ServerTarget(to, new ServerClient({ retries: 0 }), { unknown: "keep" }),
      );
    },
  ],
];

describe.each(TARGETS)("A trial of a job for %s", (_, makeEach) => {
  test("says what a run would store, before the first one, after others, and after one that was broken off", async () => {
    const open = await makeEach();
    const ledger = new Ledger(servers);
    expect(await trial(open())).toEqual([0, 0]);
    await ledger.play(SONGS);
    await ledger.play(SONGS.slice(0, 2), 1);
    expect(await trial(open())).toEqual([10, 58]);
    for (let fold = 0; fold < 3; fold++) {
      await run(optionsOf(open()));
      expect(await trial(open())).toEqual([0, 0]); // the acknowledged fold is still kept, for pages
      await ledger.play([["song 1", 5]], 1);
      expect(await trial(open())).toEqual([1, 5]);
    }
    await run({ ...optionsOf(open()), onStep: crashAt("sealed one", 2) }).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    expect(await trial(open())).toEqual([1, 5]);
    await ledger.play([["song 2", 7]]);
    expect(await trial(open())).toEqual([2, 12]);
    await run({ ...optionsOf(open()), onStep: crashAt("stored") }).catch(() => {});
    if (makeEach === newTable) expect(await trial(open())).toEqual([1, 7]);
    await run(optionsOf(open()));
    expect(await trial(open())).toEqual([0, 0]);
  });
});

test("A trial says of a fold that is stored in part what is missing of it, and what was counted since", async () => {
  const open = await newTable();
  const ledger = new Ledger(servers);
  await ledger.play([...SONGS, ["zz", 100]]);
  await run(optionsOf(open(crashAt("committed", 2)))).catch(() => {});
  expect(await trial(open())).toEqual([5, 7 + 8 + 9 + 10 + 100]);
  await ledger.play([["song 1", 1000]], 1);
  expect(await trial(open())).toEqual([6, 1134]);
});

test("A trial undoes each part of a fold by itself, so that other writers need not wait for the whole", async () => {
  const url = `sqlite:${join(folder, "parts.db")}`;
  const sql = new Bun.SQL(url);
  await sql.unsafe("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
  await sql.close();
  await new Ledger(servers).play(SONGS);
  let transactions = 0;
  const open = (to: string) => {
    const database = openDatabase(to);
    const undo = database.undo.bind(database);
    database.undo = async (act) => {
      transactions++;
      await undo(act);
    };
    return database;
  };
  const trial = await tryJob({ url, servers, open, target: { partSongs: 3 } });
  expect(trial).toMatchObject({ songs: 10, setAside: { songs: 10 } });
  expect(transactions).toBe(2 + 4); // two rehearsals, as the job's tables are missing
});
