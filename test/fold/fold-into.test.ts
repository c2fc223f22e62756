import { SQL } from "bun";
import { afterEach, expect, test } from "bun:test";
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
