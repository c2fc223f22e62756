import { SQL } from "bun";
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldInto, type FoldOptions } from "../../src/fold/fold.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

test("foldInto waits for a lock as long as the command does, or as its option says", async () => {
  const sql = new SQL("sqlite::memory:");
  await sql`CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)`;
  const from = servePlaycount();
  for (const [options, expected] of [
    [{}, 10_000],
    [{ lockSeconds: 3 }, 3000],
  ] satisfies [Partial<FoldOptions>, number][]) {
    await foldInto(sql, { from, ...options });
    expect([...(await sql`PRAGMA busy_timeout`)]).toEqual([{ timeout: expected }]);
  }
  await expect(foldInto(sql, { from, lockSeconds: 0.5 })).rejects.toThrow(RangeError);
  await sql.close();
});

test("foldInto loses no statement of a program that uses the same client of a file of SQLite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "playcount-fold-into-"));
  const sql = new SQL(`sqlite:${join(folder, "music.db")}`);
  await sql`CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)`;
  await sql`CREATE TABLE mine (n INTEGER)`;
  const from = servePlaycount();
  await fetch(`${from}/song/1`, { method: "POST" });
  const folding = foldInto(sql, { from, unknown: "insert" });
  let written = 0;
  for (let n = 0; n < 100; n++)
    await sql`INSERT INTO mine VALUES (${n})`.then(
      () => written++,
      (error: { code?: string }) => expect(error.code).toStartWith("SQLITE_BUSY"),
    );
  expect(await folding).toMatchObject([{ songs: 1 }]);
  expect([...(await sql`SELECT count(*) AS n FROM mine`)]).toEqual([{ n: written }]);
  expect([...(await sql`SELECT plays FROM song`)]).toEqual([{ plays: 1 }]);
  expect([...(await sql`PRAGMA busy_timeout`)]).toEqual([{ timeout: 0 }]);
  await sql.close();
  rmSync(folder, { recursive: true });
});

test("foldInto refuses what is no URL of a server", async () => {
  const sql = new SQL("sqlite::memory:");
  for (const from of ["", [], "ftp://a", ["http://a", "http://a"]])
    await expect(foldInto(sql, { from })).rejects.toThrow(/^from must be different http or https URLs/);
  await sql.close();
});
