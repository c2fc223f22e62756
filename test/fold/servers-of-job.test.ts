import { afterAll, afterEach, describe, expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Placement } from "../../src/client/placement.ts";
import { ServerClient } from "../../src/client/server-client.ts";
import { CountServers, PATIENT } from "../../src/fold/count-servers.ts";
import { foldInto } from "../../src/fold/fold.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";
import { query } from "./support/databases.ts";
import { crashAt, Ledger, runJob, tryJob, type TestJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
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

test("A job that is being stopped does not wait long for a server that hangs in an acknowledgement", async () => {
  const stopping = new AbortController();
  const counter = servePlaycount();
  let asked = 0;
  const hanging = serve(async (request) => {
    if (request.method === "DELETE") asked++;
    if (request.method === "DELETE") await new Promise(() => {});
    return await fetch(counter + new URL(request.url).pathname, { method: request.method });
  });
  await fetch(`${counter}/folds/5`, { method: "PUT" });
  const counters = new CountServers({
    ...{ client: new ServerClient(PATIENT), servers: [hanging], log: () => {}, signal: stopping.signal },
  });
  const acknowledging = counters.acknowledge(`${hanging}/`, 5);
  acknowledging.catch(() => {});
  while (asked === 0) await Bun.sleep(1);
  stopping.abort();
  const late = Bun.sleep(20_000).then(() => "still waiting");
  expect(await Promise.race([acknowledging.catch(() => "given up"), late])).toBe("given up");
  await new CountServers({
    ...{ client: new ServerClient(PATIENT), servers: [counter], log: () => {}, signal: stopping.signal },
  }).acknowledge(`${counter}/`, 5);
  expect(await (await fetch(`${counter}/folds`)).text()).toBe("");
});

test("Servers that count something else than songs hand over to every database, if ids are not too long", async () => {
  const job = await newJob();
  const servers = [servePlaycount({ resource: "video", maxIdBytes: 512 })];
  const videos = new Ledger(servers);
  await videos.play([["a", 3]]);
  const maxIdBytes = 512; // as in MySQL
  const client = new ServerClient({ retries: 0 });
  const counters = (urls: readonly string[]) =>
    new CountServers({ client, servers: new Placement(urls).urls, log: () => {} });
  await counters(servers).refuseLongIds(maxIdBytes);
  await expect(counters([servePlaycount({ maxIdBytes: 513 })]).refuseLongIds(maxIdBytes)).rejects.toThrow(
    / takes ids of more than 512 /,
  );
  await runJob({ ...job, servers });
  expect(await playsOf(job)).toEqual(videos.plays);
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

describe("A fold of another job", () => {
  const seal = async (server: string, fold: number) =>
    await (await fetch(`${server}/folds/${fold}`, { method: "PUT", body: "theirs" })).text();

  test("that no server has is not adopted, and the table begins at no number", async () => {
    const job = await newJob();
    for (const adopt of [100, Number.MAX_SAFE_INTEGER])
      await expect(runJob({ ...job, job: { adopt } })).rejects.toThrow(/^no server has fold /);
    expect(await query(job.url, "SELECT * FROM playcount_fold")).toEqual([]);
    const [fold] = await runJob(job);
    expect(fold?.fold).toBeLessThan(Date.now() + 1);
  });

  test("is adopted once, however often the job is run", async () => {
    const job = await newJob();
    await job.ledger.play([["a", 5]]);
    await seal(job.servers[0], 5);
    for (let run = 0; run < 4; run++) {
      await runJob({ ...job, job: { adopt: 5 } });
      expect(await playsOf(job)).toEqual(job.ledger.plays);
      await job.ledger.play([["b", 2]], 1);
    }
  });

  test("that is older than a fold that was begun is not adopted, but may be dropped", async () => {
    const job = await newJob();
    await job.ledger.play([["a", 5]]);
    await expect(runJob({ ...job, onStep: crashAt("intended") })).rejects.toThrow();
    await seal(job.servers[0], 5);
    await job.ledger.play([["b", 7]]);
    await expect(runJob(job)).rejects.toThrow(
      / has fold 5 with the label "theirs", [^.]*\. Drop its plays by --skip$/,
    );
    await expect(runJob({ ...job, job: { adopt: 5 } })).rejects.toThrow(/^fold 5 is not above \d+, /);
    await runJob({ ...job, job: { skip: true } });
    expect(await playsOf(job)).toEqual(new Map([["b", 7]]));
  });

  test("is dropped after an older fold of the table was stored", async () => {
    const job = await newJob();
    await job.ledger.play([["a", 5]]);
    await expect(runJob({ ...job, onStep: crashAt("sealed one", 2) })).rejects.toThrow();
    await job.ledger.play([["a", 100]]);
    await seal(job.servers[0], 9e15);
    await job.ledger.play([["b", 7]]);
    const { songs, plays } = await tryJob({ ...job, job: { skip: true } });
    expect([songs, plays]).toEqual([2, 12]);
    const log: string[] = [];
    await runJob({ ...job, job: { skip: true }, log });
    expect(log.join()).toBe(`${job.servers[0]}/: fold 9000000000000000 is dropped (songs: 1, plays: 100)`);
    expect(await playsOf(job)).toEqual(
      new Map([
        ["a", 5],
        ["b", 7],
      ]),
    );
  });
});

test("A fold that another job of the database has stored in part is not adopted", async () => {
  const job = { ...(await newJob()), target: { partSongs: 1 } };
  await job.ledger.play([
    ["a", 5],
    ["b", 7],
  ]);
  await expect(runJob({ ...job, target: { ...job.target, onStep: crashAt("committed") } })).rejects.toThrow();
  const other = { ...job, names: { table: "main.song", name: "main.song" } };
  const [adopt] = await newestOf(job);
  for (const claim of [{}, { adopt }])
    await expect(runJob({ ...other, job: claim })).rejects.toThrow(
      / has fold \d+ of the job "song" in playcount_fold\. /,
    );
  await runJob(job);
  expect(await playsOf(job)).toEqual(job.ledger.plays);
});

test("A backup from before the first run is refused, until the operator says otherwise", async () => {
  for (const step of ["acknowledged one", "stored", "sealed one"]) {
    const job = await newJob();
    await job.ledger.play([["a", 5]]);
    await runJob({ ...job, onStep: crashAt(step) }).catch(() => {});
    await query(job.url, "DROP TABLE playcount_fold");
    await query(job.url, "UPDATE song SET plays = 0");
    await job.ledger.play([["a", 1]]);
    await expect(runJob(job)).rejects.toThrow(/ by --skip$/);
    await runJob({ ...job, job: { skip: true } });
    expect(await playsOf(job)).toEqual(new Map([["a", 1]]));
  }
});

test.each([1.5, -1, 0, NaN])("foldInto adopts no fold %d", async (adopt) => {
  const { url, servers } = await newJob();
  const sql = new Bun.SQL(url);
  await expect(foldInto(sql, { from: servers, adopt })).rejects.toThrow(
    /^adopt must be a whole number from 1 /,
  );
  await sql.close();
});
