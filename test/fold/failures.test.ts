import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  setSystemTime,
  test,
} from "bun:test";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { CuttingProxy } from "./support/cutting-proxy.ts";
import { DATABASES, openDatabase, query } from "./support/databases.ts";
import { Crash, crashAt, Ledger, runJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);
afterEach(() => void setSystemTime());

const SONGS = Array.from({ length: 60 }, (_, n) => `song ${n}`);

/** Databases with a server. */
const SERVERS = DATABASES.filter(({ name }) => name !== "SQLite");

describe.each(SERVERS.map((database) => [database.name, database] as const))("%s", (_name, database) => {
  const testHere = database.isMissing ? (test.skip as typeof test) : test;
  if (!database.isMissing) {
    beforeAll(() => database.start());
    afterAll(() => database.stop());
  }

  async function tableWithSongs(): Promise<string> {
    const url = await database.create();
    await query(url, "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint, note bigint)");
    await query(url, `INSERT INTO song VALUES ${SONGS.map((id) => `('${id}', 0, 0)`).join(", ")}`);
    return url;
  }

  async function playsOf(url: string): Promise<Map<string, number>> {
    const rows = await query(url, "SELECT id, plays FROM song WHERE plays > 0");
    return new Map(rows.map((row) => [String(row["id"]), Number(row["plays"])]));
  }

  const all = (plays = 1) => SONGS.map((id): [string, number] => [id, plays]);

  testHere(
    "a connection that breaks at any step, also before the answer to a commit, loses and doubles nothing",
    async () => {
      const direct = await tableWithSongs();
      const proxy = new CuttingProxy(Number(new URL(direct).port));
      const url = new URL(direct);
      url.port = String(await proxy.start());
      const servers = [servePlaycount()];
      const ledger = new Ledger(servers);
      try {
        await runJob({ url: url.href, servers });
        for (const act of ["cut", "loseNextAnswer"] as const)
          for (const step of ["intended", "begun", "rows stored", "before commit", "committed"])
            for (const nth of [1, 3]) {
              await ledger.play(all(nth));
              let count = 0;
              const log: string[] = [];
              const onStep = (name: string) => {
                if (name === step && ++count === nth) proxy[act]();
              };
              await runJob({ url: url.href, servers, target: { partSongs: 25 }, onStep, log }).catch(
                () => {},
              );
              expect(
                await ledger.wrongPages(direct, SONGS.slice(0, 5)),
                `${act} ${step} ${nth}: ${log.join("\n")}`,
              ).toEqual([]);
            }
        await runJob({ url: url.href, servers });
        expect(await playsOf(direct)).toEqual(ledger.plays);
      } finally {
        proxy.stop();
      }
    },
  );

  testHere(
    "a deadlock with a writer that takes rows in the other order loses and doubles nothing",
    async () => {
      const url = await tableWithSongs();
      const servers = [servePlaycount()];
      const ledger = new Ledger(servers);
      const sorted = SONGS.toSorted();
      for (let round = 0; round < 3; round++) {
        await ledger.play(all());
        const { client } = openDatabase(url);
        const noteOn = (id: string | undefined) => `UPDATE song SET note = note + 1 WHERE id = '${id}'`;
        let job: Promise<unknown> = Promise.resolve();
        const writer = client.begin(async (tx) => {
          await tx.unsafe(noteOn(sorted.at(-1)));
          job = runJob({ url, servers });
          await Bun.sleep(500); // the job has the first rows, and waits for the last one
          await tx.unsafe(noteOn(sorted[0]));
        });
        await Promise.allSettled([writer]);
        await job;
        await client.close({ timeout: 0 });
      }
      expect(await playsOf(url)).toEqual(ledger.plays);
    },
  );

  testHere("a clock that goes back changes nothing", async () => {
    const url = await tableWithSongs();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    const numbers: number[] = [];
    for (const time of [2e12, 1e12, 1]) {
      setSystemTime(new Date(time));
      await ledger.play(all());
      for (const { fold } of await runJob({ url, servers })) numbers.push(fold);
    }
    expect(numbers).toEqual([2e12, 2e12 + 1, 2e12 + 2]);
    expect(await playsOf(url)).toEqual(ledger.plays);
  });

  testHere("a job that stores the number after the transaction of the plays is found wrong", async () => {
    const url = await tableWithSongs();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    await runJob({ url, servers });
    await ledger.play(all());
    const open = (to: string) => {
      const database = openDatabase(to);
      const [run, begin] = [database.run.bind(database), database.begin.bind(database)];
      const isLate = (statement: string) => statement.startsWith("UPDATE playcount_fold SET fold");
      database.run = async (on, statement, values) =>
        isLate(statement) ? [] : await run(on, statement, values);
      database.begin = async (act) => {
        await begin(act);
        if (++transactions === 2) throw new Crash("between the plays and the number");
      };
      return database;
    };
    let transactions = 0;
    await expect(runJob({ url, servers, open })).rejects.toThrow(Crash);
    await runJob({ url, servers });
    expect((await playsOf(url)).get("song 1")).toBe(2);
  });

  testHere("two jobs that do not lock the state are found wrong", async () => {
    const url = await tableWithSongs();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    await runJob({ url, servers });
    await ledger.play(all());
    await runJob({ url, servers, onStep: crashAt("intended") }).catch(() => {});
    const open = (to: string) => {
      const database = openDatabase(to);
      const run = database.run.bind(database);
      database.run = async (on, statement, values) => {
        if (!statement.endsWith("FOR UPDATE NOWAIT")) return await run(on, statement, values);
        const state = await run(on, statement.replace("FOR UPDATE NOWAIT", ""), values);
        await Bun.sleep(500); // the other job has read the state too
        return state;
      };
      return database;
    };
    await Promise.allSettled([runJob({ url, servers, open }), runJob({ url, servers, open })]);
    expect((await playsOf(url)).get("song 1")).toBe(2);
  });
});
