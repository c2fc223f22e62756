import { afterEach, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { sqlOf } from "./support/hand-over.ts";

/** The job that adds a fold row by row, with the statements of docs/hand-over.md. */

afterEach(stopAll);

/** Crashes the job at the chosen step. */
type Crash = (step: string) => void;

/** Hands a fold over, and begins where the last run stopped. */
async function foldIntoDatabase(counter: string, database: DatabaseSync, crash: Crash): Promise<void> {
  const { done } = database.prepare("SELECT done FROM job").get() as { done: number };
  const fold = done + 1;
  // The last run may have crashed before it acknowledged its fold.
  if (done > 0) await fetch(`${counter}/folds/${done}`, { method: "DELETE" });
  // A counter that has lost the fold must not seal other plays under its number, once a row has that number.
  const isBegun = database.prepare("SELECT id FROM song WHERE fold = ?").get(fold) !== undefined;
  const answer = await fetch(`${counter}/folds/${fold}`, {
    method: isBegun ? "GET" : "PUT",
    headers: { accept: "application/json" },
  });
  if (answer.status === 404) {
    database.prepare("UPDATE job SET done = ?").run(fold);
    return await foldIntoDatabase(counter, database, crash);
  }
  if (!answer.ok) throw new Error(`sealing fold ${fold}: ${answer.status}`);
  const counts = sumIgnoringCase((await answer.json()) as Record<string, number>);
  crash("sealed");
  const statements = sqlOf();
  const insert = database.prepare(statements.insert);
  const add = database.prepare(statements.add);
  for (const [id, plays] of Object.entries(counts)) {
    insert.run({ id });
    add.run({ id, n: plays, fold });
    crash(`added ${id}`);
  }
  database.prepare("UPDATE job SET done = ?").run(fold);
  crash("done");
  await fetch(`${counter}/folds/${fold}`, { method: "DELETE" });
  crash("acknowledged");
}

/** Sums the plays of ids that a column which ignores case takes for equal. */
function sumIgnoringCase(plays: Record<string, number>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [id, count] of Object.entries(plays))
    sums[id.toLowerCase()] = (sums[id.toLowerCase()] ?? 0) + count;
  return sums;
}

/** Returns the newest fold that a page leaves out of the counter's answer. */
type Choose = (fold: number, done: number) => number;

const right: Choose = (fold, done) => Math.max(fold, done);

/**
 * Returns the plays that a page shows: the row's and those since; NaN if the counter has dropped some of
 * these.
 */
async function playsOnPage(
  counter: string,
  database: DatabaseSync,
  id: string,
  choose: Choose = right,
): Promise<number> {
  const row = database.prepare("SELECT done, plays, fold FROM job LEFT JOIN song ON id = ?").get(id) as {
    done: number;
    plays: number | null;
    fold: number | null;
  };
  const after = choose(row.fold ?? 0, row.done);
  const answer = await fetch(`${counter}/song/${id}?after=${after}`);
  return answer.ok ? (row.plays ?? 0) + Number(await answer.text()) : Number.NaN;
}

test("a job that crashes at every step loses no play and doubles none, and pages are exact all the while", async () => {
  const counter = servePlaycount();
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER, fold INTEGER)");
  database.exec("CREATE TABLE job (done INTEGER); INSERT INTO job VALUES (0)");
  const played: Record<string, number> = { a: 0, b: 0, c: 0 };
  let turn = 0;
  const play = async () => {
    turn++;
    for (const id of Object.keys(played)) {
      if (id === "c" && turn % 10 !== 0) continue; // it is in few folds
      await fetch(`${counter}/song/${id}`, { method: "POST", body: id === "b" ? "7" : "1" });
      played[id] = (played[id] ?? 0) + (id === "b" ? 7 : 1);
    }
  };
  const wrong = { "the row's fold alone": 0, "the last fold done alone": 0 };
  const checkPages = async () => {
    for (const [id, plays] of Object.entries(played)) {
      expect(await playsOnPage(counter, database, id), id).toBe(plays);
      const byRow = await playsOnPage(counter, database, id, (fold) => fold);
      const byDone = await playsOnPage(counter, database, id, (_, done) => done);
      wrong["the row's fold alone"] += Number(byRow !== plays);
      wrong["the last fold done alone"] += Number(byDone !== plays);
    }
  };

  const steps = ["sealed", "added a", "added b", "added c", "done", "acknowledged", "no step"];
  for (const step of [...steps, ...steps]) {
    await play();
    const crash: Crash = (reached) => {
      if (reached === step) throw new Error("crash");
    };
    await foldIntoDatabase(counter, database, crash).catch(() => {});
    await checkPages();
    await play();
    await checkPages();
  }
  expect(Math.min(...Object.values(wrong)), JSON.stringify(wrong)).toBeGreaterThan(0); // so it takes both
  await foldIntoDatabase(counter, database, () => {});
  await foldIntoDatabase(counter, database, () => {}); // what was played while the one before was done
  const rows = database.prepare("SELECT id, plays FROM song ORDER BY id").all();
  expect(rows.map((row) => ({ ...row }))).toEqual(
    Object.entries(played).map(([id, plays]) => ({ id, plays })),
  );
  expect(await (await fetch(`${counter}/`)).text()).toBe("");
});

test("the rows are right for songs without a row, rows with NULL, and a column that ignores case", async () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE song (id TEXT COLLATE NOCASE PRIMARY KEY, plays INTEGER, fold INTEGER)");
  database.exec("CREATE TABLE job (done INTEGER); INSERT INTO job VALUES (0)");
  database.exec("INSERT INTO song VALUES ('null', NULL, NULL), ('guard', 5, NULL), ('a', 7, 0)");
  const counter = servePlaycount();
  const plays = { new: 1, null: 2, guard: 3, a: 4, A: 5 };
  for (let fold = 1; fold <= 2; fold++) {
    for (const [id, count] of Object.entries(plays))
      await fetch(`${counter}/song/${id}`, { method: "POST", body: String(count) });
    const crash: Crash = (step) => {
      if (step === "added guard") throw new Error("crash");
    };
    await foldIntoDatabase(counter, database, crash).catch(() => {});
    await foldIntoDatabase(counter, database, () => {});
  }
  const rows = database.prepare("SELECT id, plays FROM song ORDER BY id").all();
  expect(Object.fromEntries(rows.map(({ id, plays }) => [id, plays]))).toEqual({
    a: 7 + 2 * 9,
    guard: 5 + 2 * 3,
    new: 2,
    null: 4,
  });
});

test("a job whose counter in memory restarts after some rows were stored goes on above that fold", async () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER, fold INTEGER)");
  database.exec("CREATE TABLE job (done INTEGER); INSERT INTO job VALUES (0)");
  const first = servePlaycount();
  await fetch(`${first}/song/a`, { method: "POST" });
  const crash: Crash = (step) => {
    if (step === "added a") throw new Error("crash");
  };
  await foldIntoDatabase(first, database, crash).catch(() => {});
  const second = servePlaycount();
  await fetch(`${second}/song/a`, { method: "POST", body: "2" });
  await foldIntoDatabase(second, database, () => {});
  expect(database.prepare("SELECT plays, fold FROM song").get()).toEqual({ plays: 3, fold: 2 });
  expect(await playsOnPage(second, database, "a")).toBe(3);
});
