import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { rounds } from "../support/extent.ts";
import { bun, foldKilled, startTime } from "../support/folding.ts";
import { killAll, run } from "../support/process.ts";
import { Random } from "../support/random.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Ledger } from "./support/jobs.ts";

setDefaultTimeout(3_600_000);
afterEach(killAll);
afterEach(stopAll);

const SONGS = Array.from({ length: 500 }, (_, n) => `song ${n}`);

describeDatabases(({ dialect, database, testHere }) => {
  testHere("jobs and databases that are killed at any moment lose and double nothing", async () => {
    const random = new Random(`fold ${database.name}`);
    const url = await database.create();
    await query(
      url,
      `CREATE TABLE song (id ${dialect === "sqlite" ? "TEXT" : "varchar(100)"} PRIMARY KEY, plays bigint)`,
    );
    const values = SONGS.slice(0, -5).map((id) => `('${id}', 0)`); // some songs have no row
    await query(url, `INSERT INTO song VALUES ${values.join(", ")}`);
    const servers = [servePlaycount(), servePlaycount()];
    const ledger = new Ledger(servers);
    const command = ["fold", "--from", servers.join(), "--into", url, "--rows", "37"];
    const quiet = SONGS.slice(0, 40);
    await run([...bun, ...command]);
    let begun = 0;
    for (let round = 0; round < rounds(100, 2) || begun === 0; round++) {
      await ledger.play(
        SONGS.map((id) => [id, 1 + random.below(5)]),
        random.below(2),
      );
      let isOver = false;
      const playing = (async () => {
        while (!isOver) await ledger.play([[random.pick(SONGS.slice(40)), 1]], random.below(2));
      })();
      const afterMs = (await startTime()) * (0.5 + 3 * random.next());
      const jobs = Array.from({ length: random.pick([1, 1, 2]) }, () =>
        foldKilled(command, afterMs, random.pick(["SIGKILL", "SIGKILL", "SIGTERM"])),
      );
      const isKilled = random.chance(0.2);
      const pages = ledger.wrongPages(url, quiet).catch((error: unknown) => {
        if (!isKilled) throw error;
        return [];
      });
      if (isKilled) {
        await Bun.sleep(random.below(afterMs));
        await database.kill();
        await database.start();
      }
      await Promise.all(jobs);
      expect(await pages).toEqual([]);
      isOver = true;
      await playing;
      if (
        (
          await Promise.all(servers.map((server) => fetch(`${server}/folds`).then((answer) => answer.text())))
        ).some((folds) => folds !== "")
      )
        begun++;
    }
    const last = await run([...bun, ...command]);
    expect(last, last.stderr).toMatchObject({ stderr: "" });
    expect([0, 3]).toContain(last.status as number);
    const stored = [
      ...(await query(url, "SELECT id, plays FROM song")),
      ...(await query(url, "SELECT id, plays FROM playcount_unknown")),
    ];
    expect(new Map(stored.map((row) => [String(row["id"]), Number(row["plays"])]))).toEqual(ledger.plays);
  });
});
