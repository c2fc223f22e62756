import { afterAll, afterEach, expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { query } from "./support/databases.ts";
import { crashAt, Ledger, runJob, type TestJob } from "./support/jobs.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "playcount-servers-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(stopAll);
afterEach(() => void setSystemTime());

let tables = 0;

/** Makes a table with the songs a and b, and returns its job for two servers. */
async function newJob(): Promise<TestJob & { servers: [string, string]; ledger: Ledger }> {
  const url = `sqlite:${join(folder, `${++tables}.db`)}`;
  const sql = new Bun.SQL(url);
  await sql.unsafe("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
  await sql.unsafe("INSERT INTO song VALUES ('a', 0), ('b', 0)");
  await sql.close();
  const servers: [string, string] = [servePlaycount(), servePlaycount()];
  return { url, servers, ledger: new Ledger(servers) };
}

async function playsOf({ url }: TestJob): Promise<Map<string, number>> {
  const rows = await query(url, "SELECT id, plays FROM song WHERE plays > 0");
  return new Map(rows.map((row) => [String(row["id"]), Number(row["plays"])]));
}

/** Returns the newest fold of each server. */
async function newestOf({ servers }: TestJob): Promise<number[]> {
  const answers = await Promise.all(servers.map((server) => fetch(`${server}/folds`)));
  return answers.map(({ headers }) => Number(headers.get("fold")));
}

test("Two URLs of one server are refused before a fold is sealed, also if one is adopted", async () => {
  const job = await newJob();
  const [server] = job.servers;
  const both = { ...job, servers: [server, server.replace("127.0.0.1", "localhost")] };
  await job.ledger.play([["a", 3]]);
  await expect(runJob(both)).rejects.toThrow(/: they are one server, or share a Redis\./);
  expect(await newestOf(job)).toEqual([0, 0]);
  await fetch(`${server}/folds/5`, { method: "PUT" });
  await expect(runJob({ ...both, job: { adopt: 5 } })).rejects.toThrow(
    /: they are one server, or share a Redis\./,
  );
  await runJob({ ...job, job: { adopt: 5 } });
  expect(await playsOf(job)).toEqual(job.ledger.plays);
});

test("Two servers with the same plays, sealed in the same millisecond, are two", async () => {
  const job = await newJob();
  setSystemTime(new Date(2e12)); // it stands still
  for (const at of [0, 1]) await job.ledger.play([["a", 3]], at);
  await runJob(job);
  expect(await playsOf(job)).toEqual(new Map([["a", 6]]));
});

test.each([
  ["sealed one", 1, [0]],
  ["sealed one", 1, [1]],
  ["sealed one", 2, [0]],
  ["committed", 1, [0]],
  ["committed", 1, [0, 1, 2]],
] as const)(
  "A fold that ended at '%s' (%d) is completed with the same servers, and not with %j",
  async (step, nth, others) => {
    const job = { ...(await newJob()), target: { partSongs: 1 } };
    const three = [...job.servers, servePlaycount()];
    await job.ledger.play([["a", 5]], 0);
    await job.ledger.play([["b", 7]], 1);
    const crash = crashAt(step, nth);
    const target = { ...job.target, onStep: crash };
    await expect(runJob({ ...job, target, onStep: crash })).rejects.toThrow(step);
    const wrong = { ...job, servers: others.map((at) => three[at] as string) };
    await expect(runJob(wrong)).rejects.toThrow(
      /^fold \d+ was begun with --from http:.*: complete it with these/,
    );
    await runJob({ ...job, servers: job.servers.toReversed() });
    expect(await playsOf(job)).toEqual(job.ledger.plays);
    await runJob({ ...job, servers: three });
  },
);

test("A fold is completed by servers with other addresses if the operator adopts it", async () => {
  const job = await newJob();
  await job.ledger.play([["a", 5]], 0);
  await job.ledger.play([["b", 7]], 1);
  await expect(runJob({ ...job, onStep: crashAt("sealed one", 2) })).rejects.toThrow();
  const moved = { ...job, servers: job.servers.map((server) => server.replace("127.0.0.1", "localhost")) };
  await expect(runJob(moved)).rejects.toThrow(/ was begun with /);
  const [adopt] = await newestOf(job);
  await runJob({ ...moved, job: { adopt } });
  expect(await playsOf(job)).toEqual(job.ledger.plays);
});
