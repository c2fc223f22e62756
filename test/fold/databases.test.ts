import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { JobRefusal, OtherJob } from "../../src/fold/target.ts";
import { sqlOf } from "../docs/support/hand-over.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Crash, crashAt, Ledger, runJob, STEPS } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

const SONGS = Array.from({ length: 100 }, (_, n) => `song ${n}`);

/** Plays each song. */
function each(ids: readonly string[], plays = 1): [string, number][] {
  return ids.map((id, n) => [id, plays + (n % 3)]);
}

describeDatabases(({ dialect, database, testHere }) => {
  const text = dialect === "sqlite" ? "TEXT" : dialect === "mysql" ? "varchar(100)" : "text";

  /** Makes a table of songs with rows for `ids`. */
  async function tableOf(
    ids: readonly string[] = SONGS,
    columns = `id ${text} PRIMARY KEY, plays bigint`,
  ): Promise<string> {
    const url = await database.create();
    await query(url, `CREATE TABLE song (${columns})`);
    for (const id of ids) {
      const value = `'${id.replaceAll("\\", dialect === "mysql" ? "\\\\" : "\\").replaceAll("'", "''")}'`;
      await query(url, `INSERT INTO song (id, plays) VALUES (${value}, NULL)`);
    }
    return url;
  }

  async function rowsOf(
    url: string,
    statement = "SELECT id, plays FROM song WHERE plays IS NOT NULL",
  ): Promise<Map<string, number>> {
    return new Map((await query(url, statement)).map((row) => [String(row["id"]), Number(row["plays"])]));
  }

  const kept = (url: string) => rowsOf(url, "SELECT id, plays FROM playcount_unknown");

  testHere("each play of several servers is stored once, and pages are right before and after", async () => {
    const url = await tableOf();
    const servers = [servePlaycount(), servePlaycount()];
    const ledger = new Ledger(servers);
    await ledger.play(each(SONGS));
    await ledger.play(each(SONGS.slice(50)), 1);
    const [fold] = await runJob({ url, servers });
    expect(fold).toMatchObject({ songs: 100, setAside: { songs: 0 }, isResumed: false });
    expect(await rowsOf(url)).toEqual(ledger.plays);
    await ledger.play(each(SONGS));
    expect(await ledger.wrongPages(url, SONGS)).toEqual([]);
    await runJob({ url, servers });
    expect(await rowsOf(url)).toEqual(ledger.plays);
    expect(await ledger.wrongPages(url, SONGS)).toEqual([]);
    for (const server of servers) expect(await (await fetch(server)).text()).toBe("");
  });

  for (const partSongs of [10_000, 7]) {
    testHere(
      `a job that dies at any step, in parts of ${partSongs}, loses and doubles nothing, and pages are right`,
      async () => {
        const url = await tableOf();
        const servers = [servePlaycount(), servePlaycount()];
        const ledger = new Ledger(servers);
        for (const step of STEPS) {
          for (const nth of [1, 2, 5]) {
            await ledger.play(each(SONGS, nth), nth % 2);
            const dies = runJob({ url, servers, target: { partSongs }, onStep: crashAt(step, nth) });
            await dies.catch((error: unknown) => {
              if (!(error instanceof Crash)) throw error;
            });
            expect(await ledger.wrongPages(url, SONGS), `${step} ${nth}`).toEqual([]);
          }
        }
        await runJob({ url, servers, target: { partSongs: 13 } });
        expect(await rowsOf(url)).toEqual(ledger.plays);
      },
    );
  }

  testHere("two jobs at once store each play once", async () => {
    const url = await tableOf();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    for (let round = 0; round < 5; round++) {
      await ledger.play(each(SONGS));
      const jobs = [1, 2, 3].map(() =>
        runJob({ url, servers, target: { partSongs: 7 } }).catch((error: unknown) => {
          if (!(error instanceof OtherJob || error instanceof JobRefusal)) throw error;
        }),
      );
      await Promise.all(jobs);
      expect(await ledger.wrongPages(url, SONGS)).toEqual([]);
    }
    await runJob({ url, servers });
    expect(await rowsOf(url)).toEqual(ledger.plays);
  });

  testHere(
    "ids that differ in one byte are different songs, and those without a row are kept until they have one",
    async () => {
      const known = ["A", "é", "x y", "%", "'", '"', "\\", "😀", "1", "z".repeat(100)];
      const others = [
        "B",
        "e\u0301",
        "e",
        "x  y",
        "x y ",
        "x%",
        "\t",
        "😁",
        "01",
        "1 ",
        "＂",
        "z".repeat(101),
        "q".repeat(512),
      ];
      const url = await tableOf(known);
      const servers = [servePlaycount()];
      const ledger = new Ledger(servers);
      const loose = dialect === "mysql" ? ["a", "á", "E"] : [];
      await ledger.play(each([...known, ...others, ...loose]));
      const [fold] = await runJob({ url, servers, target: { partSongs: 5 } });
      expect(fold?.setAside).toMatchObject({ songs: others.length + loose.length, isNew: true });
      expect(await rowsOf(url)).toEqual(new Map(known.map((id) => [id, ledger.plays.get(id) as number])));
      const all = [...others, ...loose].map((id) => [id, ledger.plays.get(id) as number] as const);
      expect(await kept(url)).toEqual(new Map(all));
      expect(await ledger.wrongPages(url, known)).toEqual([]);
      await query(url, "INSERT INTO song VALUES ('x%', 5)");
      await ledger.play([["x%", 1]]);
      const [next] = await runJob({ url, servers });
      expect(next?.setAside).toMatchObject({ songs: 0, isNew: false });
      expect((await rowsOf(url)).get("x%")).toBe(5 + (ledger.plays.get("x%") as number));
      expect((await kept(url)).has("x%")).toBe(false);
    },
  );

  testHere("whole numbers as ids are stored by value, and no other text is one", async () => {
    const url = await tableOf(
      ["0", "1", "7", "10", "200", "-5"],
      "id bigint PRIMARY KEY, plays bigint NOT NULL DEFAULT 0".replace(" NOT NULL DEFAULT 0", ""),
    );
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    const known = ["0", "1", "7", "10", "200", "-5"];
    const others = ["01", "+1", " 1", "1.0", "1e1", "x", "-0", "9223372036854775808", "3"];
    for (const nth of [1, 2, 3]) {
      await ledger.play(each([...known, ...others]));
      await runJob({ url, servers, target: { partSongs: 2 }, onStep: crashAt("committed", nth + 1) }).catch(
        (error: unknown) => {
          if (!(error instanceof Crash)) throw error;
        },
      );
      expect(await ledger.wrongPages(url, known)).toEqual([]);
    }
    await runJob({ url, servers });
    expect(await rowsOf(url)).toEqual(new Map(known.map((id) => [id, ledger.plays.get(id) as number])));
    expect(await kept(url)).toEqual(new Map(others.map((id) => [id, ledger.plays.get(id) as number])));
    await query(url, "INSERT INTO song VALUES (3, 0)");
    await runJob({ url, servers });
    expect((await rowsOf(url)).get("3")).toBe(ledger.plays.get("3") as number);
    expect([(await kept(url)).has("3"), (await kept(url)).size]).toEqual([false, others.length - 1]);
  });

  testHere("songs without a row are inserted, or dropped, as the settings say", async () => {
    const url = await tableOf(["a"]);
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    await ledger.play([
      ["a", 1],
      ["b", 2],
      ["x".repeat(300), 3],
    ]);
    await runJob({ url, servers, target: { unknown: "insert" } });
    expect((await rowsOf(url)).get("b")).toBe(2);
    await ledger.play([["c", 4]]);
    const [fold] = await runJob({ url, servers, target: { unknown: "drop" } });
    expect(fold?.setAside).toMatchObject({ songs: 1, plays: 4, isNew: true });
    expect([(await rowsOf(url)).has("c"), (await kept(url)).has("c")]).toEqual([false, false]);
  });

  testHere("a history has a row for each song and fold, also if a job died", async () => {
    const url = await tableOf();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    const names = { history: "song_plays" };
    for (const nth of [1, 2, 3]) {
      await ledger.play(each(SONGS));
      await runJob({
        url,
        servers,
        names,
        target: { partSongs: 30 },
        onStep: crashAt("rows stored", nth),
      }).catch(() => {});
      await runJob({ url, servers, names });
    }
    expect(await rowsOf(url, "SELECT id, sum(plays) AS plays FROM song_plays GROUP BY id")).toEqual(
      ledger.plays,
    );
    const [row] = await query(
      url,
      "SELECT count(DISTINCT fold) AS folds, count(DISTINCT sealed_at) AS times FROM song_plays",
    );
    expect([Number(row?.["folds"]), Number(row?.["times"])]).toEqual([3, 3]);
    const [days = "", trending = ""] = sqlOf().history; // of docs/hand-over.md
    const [[day], songs] = [await query(url, days.replace("'1'", "'song 1'")), await query(url, trending)];
    expect([Number(day?.["plays"]), songs.length]).toEqual([ledger.plays.get("song 1") as number, 10]);
  });

  testHere("names with quotes and a schema, and ids that are uuids, are as good as any", async () => {
    if (dialect === "sqlite") return; // it has neither
    const url = await tableOf([]);
    const q = dialect === "mysql" ? "`" : '"';
    const schema = dialect === "mysql" ? new URL(url).pathname.slice(1) : "it's";
    if (dialect !== "mysql") await query(url, `CREATE SCHEMA "${schema}"`);
    const table = `${q}${schema}${q}.${q}So${q}${q}ng${q}`;
    const type = database.name === "MySQL" ? "char(36)" : "uuid"; // which MySQL lacks
    await query(url, `CREATE TABLE ${table} (slug ${type} PRIMARY KEY, n bigint)`);
    const id = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
    await query(url, `INSERT INTO ${table} VALUES ('${id}', 0)`);
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    const names = { table: `${schema}.So${q}ng`, id: "slug", plays: "n", name: "it's" };
    await ledger.play([
      [id, 2],
      [id.toUpperCase(), 3],
    ]);
    await runJob({ url, servers, names, target: { partSongs: 1 } });
    expect(await ledger.wrongPages(url, [id], names)).toEqual([]);
    expect(await rowsOf(url, `SELECT slug AS id, n AS plays FROM ${table}`)).toEqual(new Map([[id, 2]]));
    expect(await kept(url)).toEqual(new Map([[id.toUpperCase(), 3]]));
  });

  testHere("a fold of another job stops the job, until the operator decides", async () => {
    const url = await tableOf();
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    const job = () => runJob({ url, servers });
    await ledger.play(each(SONGS));
    await fetch(`${servers[0]}/folds/5`, { method: "PUT", body: "theirs" });
    await expect(job()).rejects.toThrow(
      /fold 5 with the label "theirs", .* Store it by --adopt 5, or drop its plays by --skip$/,
    );
    await runJob({ url, servers, job: { adopt: 5 } });
    expect(await rowsOf(url)).toEqual(ledger.plays);
    await runJob({ url, servers, job: { adopt: 5 } }); // again: it is stored already
    expect(await rowsOf(url)).toEqual(ledger.plays);
    const number = Date.now() + 1_000_000;
    await fetch(`${servers[0]}/folds/${number}`, { method: "PUT" });
    await expect(job()).rejects.toThrow(/ without a label, /);
    await fetch(`${servers[0]}/folds/${number}`, { method: "DELETE" });
    await expect(job()).rejects.toThrow(
      /another job has handed over, or which was lost when the database was set back/,
    );
    await runJob({ url, servers, job: { skip: true } });
    const second = await tableOf(); // of another job
    await ledger.play([["song 1", 9]]);
    await expect(runJob({ url: second, servers })).rejects.toThrow(
      /fold \d+, which another job has handed over, /,
    );
    const [fold] = await job();
    expect(fold?.fold).toBeGreaterThan(number);
    expect(await rowsOf(url)).toEqual(ledger.plays);
  });

  testHere("a fold of which songs are stored is never sealed again by a server that forgot it", async () => {
    const url = await tableOf();
    let server = servePlaycount();
    const proxy = {
      fetch: (request: Request) =>
        fetch(server + new URL(request.url).pathname + new URL(request.url).search, request),
    };
    const front = Bun.serve({ hostname: "127.0.0.1", port: 0, ...proxy });
    try {
      const servers = [front.url.href.slice(0, -1)];
      const ledger = new Ledger(servers);
      await ledger.play(each(SONGS));
      await runJob({ url, servers, target: { partSongs: 7 }, onStep: crashAt("committed", 3) }).catch(
        () => {},
      );
      const stored = await rowsOf(url);
      expect([stored.size > 0, stored.size < SONGS.length]).toEqual([true, true]);
      server = servePlaycount(); // restarted, in memory
      ledger.plays.clear();
      await ledger.play(each(SONGS, 5));
      const log: string[] = [];
      const folds = await runJob({ url, servers, log });
      expect(log.join()).toMatch(
        /does not have fold \d+: it is new, or has lost those plays of it that were not stored yet/,
      );
      expect(folds.map(({ songs }) => songs)).toEqual([0, SONGS.length]);
      const expected = SONGS.map(
        (id) => [id, (stored.get(id) ?? 0) + (ledger.plays.get(id) as number)] as const,
      );
      expect(await rowsOf(url)).toEqual(new Map(expected));
    } finally {
      await front.stop(true);
    }
  });

  testHere("a table to which plays cannot be added exactly is refused, and nothing is sealed", async () => {
    const servers = [servePlaycount()];
    const url = await tableOf([]);
    const types = dialect === "sqlite" ? ["REAL", "REAL"] : ["double precision", "double precision"];
    await query(url, `CREATE TABLE loose (id ${text} PRIMARY KEY, plays ${types[0]})`);
    await query(url, `CREATE TABLE many (id ${text}, plays bigint)`);
    await query(url, `CREATE TABLE floats (id ${types[1]} PRIMARY KEY, plays bigint)`);
    for (const [names, sentence] of [
      [{ table: "no" }, /the database has no table "no": see --table/],
      [{ id: "no" }, /"song" has no column "no": see --id/],
      [{ plays: "no" }, /"song" has no column "no": see --plays/],
      [{ table: "loose" }, /"plays" must be a whole number, such as bigint, not /],
      [{ table: "many" }, /"id" must be the primary key of "many", or unique/],
      [{ table: "floats" }, /"id" must be text, a whole number or a uuid, not /],
    ] as const)
      await expect(runJob({ url, servers, names })).rejects.toThrow(sentence);
    expect(await (await fetch(`${servers[0]}/folds`)).text()).toBe("");
  });
});
