import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readCounts } from "../../support/counts.ts";
import { rounds } from "../../support/extent.ts";
import { killAll, listen, RUNTIMES, run } from "../../support/process.ts";
import { newFolder, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterAll(removeAll);

const main = join(import.meta.dir, "../../../src/main.ts");
const program = [...RUNTIMES.bun, main, "--port", "0"];

async function countsOf(url: string): Promise<Map<string, number>> {
  return readCounts(await (await fetch(url)).text());
}

describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
  const start = (folder: string) => listen([...command, main, "--port", "0", "--data", folder]);

  test("counts, folds and keys survive a stop and a kill", async () => {
    const folder = newFolder();
    const keyed = { method: "POST", headers: { "idempotency-key": '"w:1"' } };
    let { url, process, ended } = await start(folder);
    await fetch(`${url}song/1`, { method: "POST", body: "41" });
    await fetch(`${url}song/2`, keyed);
    const sealed = await (await fetch(`${url}folds/3`, { method: "PUT" })).text();
    expect(sealed).toMatch(/^(?:1=41,2=1|2=1,1=41)$/);
    await fetch(`${url}batch`, {
      method: "POST",
      body: "1=1,b=2",
      headers: { "content-type": "text/plain" },
    });
    process.kill("SIGTERM");
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([0, ""]);
    expect(readdirSync(folder)).not.toContain("playcount.db-wal");
    for (let kill = 0; kill < 2; kill++) {
      ({ url, process, ended } = await start(folder));
      expect(await countsOf(url)).toEqual(new Map(Object.entries({ "1": 42, "2": 1, b: 2 })));
      expect(await (await fetch(`${url}folds/3`)).text()).toBe(sealed);
      expect(await (await fetch(`${url}song/2`, keyed)).text()).toBe("1");
      process.kill("SIGKILL");
      await ended;
    }
  });
});

function copyOf(folder: string): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

interface Change {
  sql: string;
  in: (folder: string) => void;
}

/** Returns, for each table with rows, one change of each column and one deletion of a row. */
function changesOf(folder: string): Change[] {
  const open = (folder: string) => new DatabaseSync(join(folder, "playcount.db"));
  const database = open(copyOf(folder));
  const changes: string[] = [];
  for (const { name: table } of database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()) {
    if (database.prepare(`SELECT * FROM ${table}`).all().length === 0) continue;
    const columns = database.prepare(`PRAGMA table_info(${table})`).all();
    const key = columns.map(({ name }) => name).join(", ");
    const one = `WHERE (${key}) IS (SELECT ${key} FROM ${table} LIMIT 1)`;
    changes.push(`DELETE FROM ${table} ${one}`);
    for (const { name, type } of columns)
      changes.push(
        `UPDATE ${table} SET ${name} = ${type === "TEXT" ? `${name} || 'x'` : `coalesce(${name}, 0) + 1000`} ${one}`,
      );
  }
  database.close();
  return changes.map((sql) => ({
    sql,
    in(folder) {
      const database = open(folder);
      database.exec(sql);
      database.close();
    },
  }));
}

describe("A folder that cannot be served is reported in one line, with status 1, and left unchanged:", () => {
  const refuse = async (folder: string, why = ""): Promise<string> => {
    const { status, stdout, stderr } = await run(["timeout", "120", ...program, "--data", folder]);
    expect([status, stdout], why).toEqual([1, ""]);
    expect(stderr).toMatch(/^playcount: [^\n]+\n$/);
    return stderr;
  };

  /** Makes a folder with 300 songs and no log. */
  async function filled(): Promise<{ folder: string; file: string }> {
    const folder = newFolder();
    const { url, process, ended } = await listen([...program, "--data", folder]);
    for (let n = 0; n < 300; n++) await fetch(`${url}song/${n}`, { method: "POST" });
    process.kill("SIGTERM");
    await ended;
    return { folder, file: join(folder, "playcount.db") };
  }

  test("another process uses it", async () => {
    const folder = newFolder();
    await listen([...program, "--data", folder]);
    expect(await refuse(folder)).toContain(`another process uses it`);
  });

  test("its file is not playcount's", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const file = join(folder, "playcount.db");
    for (const content of ["", "no database at all, but a text", Buffer.alloc(5000, 7)]) {
      writeFileSync(file, content);
      expect(await refuse(folder)).toMatch(
        / (it is not a database of playcount|it is empty|file is not a database)$/m,
      );
      expect(readFileSync(file)).toEqual(Buffer.from(content));
    }
    const other = newFolder();
    mkdirSync(other);
    const database = new DatabaseSync(join(other, "playcount.db"));
    database.exec("CREATE TABLE a (b)");
    database.close();
    expect(await refuse(other)).toContain("is not a database of playcount");
  });

  test("its format is newer", async () => {
    const { folder, file } = await filled();
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 3");
    const inLog = newFolder();
    cpSync(folder, inLog, { recursive: true });
    database.close();
    expect(await refuse(inLog)).toContain("has format 3, of a newer playcount");
    expect(await refuse(folder)).toContain("has format 3, of a newer playcount");
  });

  test("its file is truncated", async () => {
    const { folder, file } = await filled();
    truncateSync(file, readFileSync(file).length - 4096);
    await refuse(folder);
  });

  test("any value in it was changed, or a row is missing", async () => {
    const folder = newFolder();
    const killed = await listen([...program, "--data", folder]);
    const { url } = killed;
    const keyed = { method: "POST", headers: { "idempotency-key": '"w:1"' } };
    for (let n = 0; n < 20; n++) await fetch(`${url}song/${n}`, { method: "POST" });
    for (const fold of [1, 2, 3]) await fetch(`${url}folds/${fold}`, { method: "PUT" });
    await fetch(`${url}folds/1`, { method: "DELETE" });
    await fetch(`${url}song/1`, keyed);
    await Bun.sleep(300); // until compaction is done; what follows stays in the table of commits
    await Promise.all(Array.from({ length: 20 }, (_, n) => fetch(`${url}song/${n}`, { method: "POST" })));
    killed.process.kill("SIGKILL");
    await killed.ended;
    const copy = copyOf(folder);
    const stopped = await listen([...program, "--data", folder]);
    stopped.process.kill("SIGTERM");
    await stopped.ended;
    for (const from of [folder, copy]) {
      const changes = changesOf(from);
      for (let at = 0; at < changes.length; at += rounds(1, 5)) {
        const change = changes[at] as Change;
        const changed = copyOf(from);
        change.in(changed);
        expect(await refuse(changed, change.sql)).toContain("damaged");
      }
    }
  });

  test("it cannot be created", async () => {
    const file = newFolder();
    writeFileSync(file, "");
    expect(await refuse(join(file, "below"))).toContain("cannot serve");
    expect(existsSync(join(file, "below"))).toBe(false);
  });
});
