import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { type HandOver, loadHandOver, sqlOf } from "./support/hand-over.ts";

/** The job and the page of docs/hand-over.md, as the page has them. */

let folder: string;
let programs: HandOver;
const realFetch = globalThis.fetch;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "playcount-hand-over-"));
  programs = await loadHandOver(folder);
});

afterEach(async () => {
  globalThis.fetch = realFetch;
  await stopAll();
});

afterAll(async () => await rm(folder, { recursive: true }));

function openDatabase(tables = sqlOf().tables): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec(tables);
  return database;
}

function rowsOf(database: DatabaseSync): Record<string, unknown> {
  const rows = database.prepare("SELECT id, plays FROM song ORDER BY id").all();
  return Object.fromEntries(rows.map(({ id, plays }) => [id, plays]));
}

async function play(counter: string, plays: Record<string, number>): Promise<void> {
  for (const [id, count] of Object.entries(plays))
    await realFetch(`${counter}/song/${id}`, { method: "POST", body: String(count) });
}

/** Runs the job until it crashes before or after its nth request or statement; returns whether it did. */
async function runUntil(crashAt: number, counter: string, database: DatabaseSync): Promise<boolean> {
  let step = 0;
  const crash = () => {
    if (++step >= crashAt) throw new Error("crash");
  };
  const around =
    <A extends unknown[], R>(act: (...args: A) => R) =>
    (...args: A): R => {
      crash();
      const result = act(...args);
      if (!(result instanceof Promise)) crash();
      return result;
    };
  globalThis.fetch = Object.assign(
    async (...args: Parameters<typeof fetch>) => {
      crash();
      const answer = await realFetch(...args);
      crash();
      return answer;
    },
    { preconnect: realFetch.preconnect },
  );
  const crashing = {
    exec: around((sql: string) => database.exec(sql)),
    prepare: (sql: string) => {
      const statement = database.prepare(sql);
      return {
        get: around((...values: never[]) => statement.get(...values)),
        run: around((...values: never[]) => statement.run(...values)),
      };
    },
  };
  try {
    await programs.handOver(counter, crashing as unknown as DatabaseSync);
    return false;
  } catch (error) {
    expect(String(error)).toBe("Error: crash");
    if (database.isTransaction) database.exec("ROLLBACK"); // as the database does for a client that has gone
    return true;
  } finally {
    globalThis.fetch = realFetch;
  }
}

test("The job loses and doubles no play, whatever step it crashes at, and pages are exact meanwhile", async () => {
  const counter = servePlaycount();
  const database = openDatabase();
  const played: Record<string, number> = { a: 0, b: 0, c: 0 };
  const playAll = async () => {
    await play(counter, { a: 1, b: 7 });
    played["a"] = (played["a"] ?? 0) + 1;
    played["b"] = (played["b"] ?? 0) + 7;
  };
  const checkPages = async () => {
    for (const [id, plays] of Object.entries(played))
      expect(await programs.playsOnPage(counter, database, id), id).toBe(plays);
  };
  let isCrashing = true;
  let crashes = 0;
  for (; isCrashing; crashes++) {
    await playAll();
    isCrashing = await runUntil(crashes + 1, counter, database);
    await checkPages();
    await playAll();
    await checkPages();
    await programs.handOver(counter, database); // after a restart
    await checkPages();
  }
  expect(crashes).toBeGreaterThan(15);
  await programs.handOver(counter, database);
  const { c: _, ...counted } = played;
  expect(rowsOf(database)).toEqual(counted);
});

test("The job is right for songs without a row, rows with NULL, and a column that ignores case", async () => {
  const tables = sqlOf().tables.replace("id TEXT", "id TEXT COLLATE NOCASE");
  const database = openDatabase(tables);
  database.exec("INSERT INTO song VALUES ('null', NULL), ('a', 5)");
  const counter = servePlaycount();
  await play(counter, { new: 1, null: 2, a: 3, A: 4 });
  await programs.handOver(counter, database);
  expect(rowsOf(database)).toEqual({ new: 1, null: 2, a: 12 });
});

test("The job goes on after the counts of a server in memory have ended with it", async () => {
  const database = openDatabase();
  const first = servePlaycount();
  await play(first, { a: 1 });
  await programs.handOver(first, database);
  const second = servePlaycount();
  await play(second, { a: 2 });
  expect(await programs.playsOnPage(second, database, "a")).toBe(3);
  await programs.handOver(second, database);
  expect(rowsOf(database)).toEqual({ a: 3 });
  expect(await programs.playsOnPage(second, database, "a")).toBe(3);
});
