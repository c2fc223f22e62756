import { afterEach, describe, expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lacks } from "../support/extent.ts";
import { run } from "../support/process.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { CuttingProxy } from "./support/cutting-proxy.ts";
import { openDatabase, query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Crash, crashAt, Ledger, runJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);
afterEach(() => void setSystemTime());

const SONGS = Array.from({ length: 60 }, (_, n) => `song ${n}`);

describeDatabases(({ database, testHere, testServer }) => {
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

  testServer(
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

  testServer(
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

  describe("of three jobs that are wrong", () => {
    /** Prepares a fold of one play of each song, and returns its job. */
    async function jobWithFold(): Promise<{ url: string; servers: string[]; fold: () => Promise<number> }> {
      const url = await tableWithSongs();
      const servers = [servePlaycount()];
      await runJob({ url, servers });
      await new Ledger(servers).play(all());
      const fold = async () => Number(await (await fetch(`${servers[0]}/folds`)).text());
      return { url, servers, fold };
    }

    testHere("one that stores the number after the transaction of the plays doubles them", async () => {
      const { url, servers } = await jobWithFold();
      let isStored = false;
      const open = (to: string) => {
        const database = openDatabase(to);
        const [change, begin] = [database.changeState.bind(database), database.begin.bind(database)];
        database.changeState = async (tx, set, value) => {
          if (!set.startsWith("fold")) return await change(tx, set, value);
          isStored = true;
        };
        database.begin = async (act) => {
          await begin(act);
          if (isStored) throw new Crash("between the plays and the number");
        };
        return database;
      };
      await expect(runJob({ url, servers, open })).rejects.toThrow(Crash);
      await runJob({ url, servers });
      expect((await playsOf(url)).get("song 1")).toBe(2);
    });

    testHere(
      "one that does not read the state in the transaction doubles the plays of the other",
      async () => {
        const { url, servers, fold } = await jobWithFold();
        await runJob({ url, servers, onStep: crashAt("sealed one") }).catch(() => {});
        const sealed = await fold();
        const [row] = await query(url, "SELECT fold FROM playcount_fold");
        const open = (to: string) => {
          const database = openDatabase(to);
          database.findState = () =>
            Promise.resolve({ fold: Number(row?.["fold"]), intended: sealed, upto: undefined });
          return database;
        };
        for (let run = 0; run < 2; run++)
          await expect(runJob({ url, servers, open, onStep: crashAt("stored") })).rejects.toThrow(Crash);
        expect((await playsOf(url)).get("song 1")).toBe(2);
      },
    );

    testHere("one that acknowledges the fold before the commit loses it", async () => {
      const { url, servers, fold } = await jobWithFold();
      const open = (to: string) => {
        const database = openDatabase(to);
        const change = database.changeState.bind(database);
        database.changeState = async (tx, set, value) => {
          await change(tx, set, value);
          if (!set.startsWith("fold")) return;
          const sealed = await fold();
          await fetch(`${servers[0]}/folds/${sealed}`, { method: "DELETE" });
          // A server keeps the fold that was acknowledged last until the next one is.
          for (const method of ["PUT", "DELETE"])
            await fetch(`${servers[0]}/folds/${sealed + 1}`, { method });
          throw new Crash("before the commit");
        };
        return database;
      };
      await expect(runJob({ url, servers, open })).rejects.toThrow(Crash);
      await runJob({ url, servers, job: { skip: true } });
      expect((await playsOf(url)).get("song 1")).toBeUndefined();
    });
  });

  testHere("a server that is down in the middle stops the fold, and the next run stores it", async () => {
    const url = await tableWithSongs();
    const servers = [servePlaycount(), servePlaycount()];
    const ledger = new Ledger(servers);
    await ledger.play(all(), 0);
    await ledger.play(all(2), 1);
    let isDown = false;
    const front = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        if (isDown) return new Response("Bad Gateway", { status: 502 });
        const { pathname, search } = new URL(request.url);
        return await fetch(servers[1] + pathname + search, request);
      },
    });
    const both = [servers[0] as string, front.url.origin];
    const onStep = (step: string) => {
      if (step === "sealed one") isDown = true;
    };
    for (let run = 0; run < 2; run++) {
      await expect(runJob({ url, servers: both, onStep })).rejects.toThrow(/502/);
      expect((await playsOf(url)).size).toBe(0);
      expect(await ledger.wrongPages(url, SONGS.slice(0, 5))).toEqual([]);
    }
    isDown = false;
    await ledger.play(all(), 1);
    expect(await runJob({ url, servers: both })).toMatchObject([{ isResumed: true }, { isResumed: false }]);
    expect(await playsOf(url)).toEqual(ledger.plays);
    await front.stop(true);
  });

  test.skipIf(database.isMissing || lacks("root"))(
    "a full disk of the database stops the fold, and the next run stores it",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "playcount-full-"));
      await run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=1777", "tmpfs", folder]);
      try {
        const url = await database.create(folder);
        await query(url, "CREATE TABLE song (id varchar(512) PRIMARY KEY, plays bigint)");
        const servers = [servePlaycount()];
        const ledger = new Ledger(servers);
        const target = { unknown: "insert", partSongs: 500 } as const;
        await ledger.play([["a", 1]]);
        await runJob({ url, servers, target });
        const ids = Array.from({ length: 3000 }, (_, n) => `${n}${"x".repeat(400)}`);
        await ledger.play(ids.map((id): [string, number] => [id, 1]));
        fill(join(folder, "filler"));
        await expect(runJob({ url, servers, target })).rejects.toThrow(/full|space|53100|1114|ERR/i);
        rmSync(join(folder, "filler"));
        expect(await ledger.wrongPages(url, ["a"])).toEqual([]);
        await ledger.play([["a", 1]]);
        await runJob({ url, servers, target });
        expect(await playsOf(url)).toEqual(ledger.plays);
      } finally {
        await database.stop(); // it uses the disk
        await run(["umount", folder]);
        rmSync(folder, { recursive: true });
        await database.start();
      }
    },
  );
});

/** Writes a file until the disk is full. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [2 ** 20, 4096]) {
      try {
        for (;;) writeSync(file, new Uint8Array(size));
      } catch {
        // full for this size
      }
    }
  } finally {
    closeSync(file);
  }
}
