import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { SqlResult } from "../../src/fold/sql/client.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { openDatabase, query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Ledger, runJob, type TestJob, tryJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describeDatabases(({ dialect, database, testHere, testServer }) => {
  /** Makes tables, and returns a job for them and two servers. */
  async function jobFor(...statements: string[]): Promise<TestJob & { ledger: Ledger }> {
    const url = await database.create();
    for (const statement of statements) await query(url, statement);
    const servers = [servePlaycount(), servePlaycount()];
    return { url, servers, ledger: new Ledger(servers) };
  }

  async function rowsOf(url: string, statement: string): Promise<Record<string, number>> {
    const rows = await query(url, statement);
    return Object.fromEntries(rows.map((row) => [String(row["id"]), Number(row["plays"])]));
  }

  const plays = (url: string, table = "song") => rowsOf(url, `SELECT id, plays FROM ${table}`);
  const kept = (url: string) => rowsOf(url, "SELECT id, plays FROM playcount_unknown");

  /** Asserts that a job is refused before any server seals a fold. */
  async function expectRefused(job: TestJob, sentence: RegExp): Promise<void> {
    const failure = await runJob(job).then(
      () => new Error("the job ran"),
      (error: Error) => error,
    );
    expect(failure.message).toMatch(sentence);
    expect(failure).toBeInstanceOf(RangeError);
    for (const server of job.servers) {
      const folds = await fetch(`${server}/folds`);
      expect([await folds.text(), folds.headers.get("fold")]).toEqual(["", "0"]);
    }
  }

  (dialect === "postgres" ? testHere : test.skip)(
    "a table without statistics is not read as a whole for each part",
    async () => {
      const job = await jobFor(
        "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint) WITH (autovacuum_enabled = off)",
        "INSERT INTO song SELECT 'song-' || n, 0 FROM generate_series(1, 100000) n",
      );
      const ids = Array.from({ length: 3000 }, (_, n) => `song-${n * 30 + 1}`);
      await job.ledger.play(ids.map((id) => [id, 1]));
      await runJob({ ...job, target: { partSongs: 1000 } });
      const read = "seq_tup_read::int AS whole, idx_scan::int AS single";
      const statement = `SELECT ${read} FROM pg_stat_user_tables WHERE relname = 'song'`;
      let rows: SqlResult = [];
      const isCounted = () => rows[0]?.["whole"] || Number(rows[0]?.["single"]) >= ids.length;
      for (; !isCounted(); rows = await query(job.url, statement)) await Bun.sleep(20); // at the job's end
      expect(rows[0]).toMatchObject({ whole: 0 });
    },
  );

  (dialect === "sqlite" ? test.skip : testHere)(
    "what another job sets aside meanwhile is not new here",
    async () => {
      const job = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
      await job.ledger.play([["x", 1]]);
      expect((await runJob(job))[0]?.setAside).toMatchObject({ songs: 1, isNew: true });
      await job.ledger.play([["x", 1]]);
      await job.ledger.play([["x", 1]], 1);
      const open: NonNullable<TestJob["open"]> = (url, names) => {
        const database = openDatabase(url, names);
        const run = database.run.bind(database);
        database.run = async (on, statement, rows) => {
          if (statement.startsWith("INSERT INTO playcount_unknown") && rows?.length === 1)
            await query(url, "INSERT INTO playcount_unknown VALUES ('other', 'y', 1)");
          return await run(on, statement, rows);
        };
        return database;
      };
      expect((await runJob({ ...job, open }))[0]?.setAside).toMatchObject({
        songs: 1,
        plays: 2,
        isNew: false,
      });
      expect(await kept(job.url)).toEqual({ x: 3, y: 1 });
    },
  );

  testHere("plays that a column cannot hold are kept until it can, and stop no other song", async () => {
    const most = dialect === "sqlite" ? 2n ** 63n - 1n : 32_767n;
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays smallint)",
      `INSERT INTO song VALUES ('full', ${most - 5n}), ('b', NULL), ('c', 1)`,
    );
    await job.ledger.play([
      ["full", 6],
      ["b", 7],
      ["c", 8],
    ]);
    const [fold] = await runJob(job);
    expect(fold?.setAside).toMatchObject({ songs: 1, plays: 6, isNew: true, examples: ["full"] });
    expect(await plays(job.url)).toEqual({ full: Number(most - 5n), b: 7, c: 9 });
    expect(await kept(job.url)).toEqual({ full: 6 });
    if (dialect === "sqlite") await query(job.url, "UPDATE song SET plays = 1 WHERE id = 'full'");
    else
      await query(
        job.url,
        dialect === "mysql"
          ? "ALTER TABLE song MODIFY plays bigint"
          : "ALTER TABLE song ALTER plays TYPE bigint",
      );
    const before = (await plays(job.url))["full"] as number;
    await job.ledger.play([["full", 2]]);
    await runJob(job);
    expect([(await plays(job.url))["full"], await kept(job.url)]).toEqual([before + 8, {}]);
  });

  testHere("a decimal column takes what it has digits for", async () => {
    if (dialect === "sqlite") return; // it has no such type
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays decimal(4, 1))",
      "INSERT INTO song VALUES ('a', 1), ('b', 990)",
    );
    await job.ledger.play([
      ["a", 900],
      ["b", 10],
    ]);
    await runJob(job);
    expect([await plays(job.url), await kept(job.url)]).toEqual([{ a: 901, b: 990 }, { b: 10 }]);
  });

  testHere(
    "a table without a name, a name that is too long and a number that rounds are refused",
    async () => {
      const job = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
      await expectRefused({ ...job, names: { table: "." } }, /^--table must be a name, not "\."$/);
      await expectRefused({ ...job, names: { history: "." } }, /^--history must be a name, not "\."$/);
      const name = "n".repeat(186);
      await expectRefused({ ...job, names: { name } }, /^--name must have at most 185 characters, not 186$/);
      if (dialect !== "postgres") return;
      for (const [at, type] of ["numeric(10, -2)", "numeric(3, 5)", "numeric(3, 3)"].entries()) {
        const table = `song${at}`;
        await query(job.url, `CREATE TABLE ${table} (id text PRIMARY KEY, plays ${type})`);
        await expectRefused(
          { ...job, names: { table } },
          /^"plays" must be a whole number, .* not one without/,
        );
      }
      await query(job.url, "CREATE TABLE unlimited (id text PRIMARY KEY, plays numeric)");
      expect(await runJob({ ...job, names: { table: "unlimited" } })).toMatchObject([{ songs: 0 }]);
    },
  );

  testHere(
    "a generated column and a view are refused, and a fold without songs or in parts of one is stored",
    async () => {
      const job = await jobFor(
        "CREATE TABLE song (id varchar(100) PRIMARY KEY, n bigint, plays bigint GENERATED ALWAYS AS (n + 1) STORED)",
        "CREATE VIEW songs AS SELECT id, n FROM song",
        "INSERT INTO song (id, n) VALUES ('a', 0), ('b', 0), ('c', 0)",
      );
      await expectRefused(job, /"plays" is a generated column/);
      await expectRefused(
        { ...job, names: { table: "songs", plays: "n" } },
        /"id" must be the primary key of "songs"/,
      );
      const names = { plays: "n" };
      expect(await runJob({ ...job, names })).toMatchObject([{ songs: 0, plays: 0 }]);
      await job.ledger.play([
        ["a", 1],
        ["b", 2],
        ["c", 3],
        ["d", 4],
      ]);
      expect(await runJob({ ...job, names, target: { partSongs: 1 } })).toMatchObject([
        { songs: 4, plays: 10 },
      ]);
      expect(await rowsOf(job.url, "SELECT id, n AS plays FROM song")).toEqual({ a: 1, b: 2, c: 3 });
    },
  );

  testHere(
    "inserted rows have the defaults of their columns, and one that another key refuses is kept",
    async () => {
      const job = await jobFor(
        "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint NOT NULL DEFAULT 5, slug varchar(9) DEFAULT 'x' UNIQUE)",
      );
      await job.ledger.play([["a", 1]]);
      await runJob({ ...job, target: { unknown: "insert" } });
      await job.ledger.play([
        ["a", 1],
        ["b", 2],
      ]);
      await runJob({ ...job, target: { unknown: "insert" } });
      expect([await plays(job.url), await kept(job.url)]).toEqual([{ a: 2 }, { b: 2 }]);
      await query(job.url, "ALTER TABLE song ADD COLUMN artist bigint NOT NULL DEFAULT 0");
      await query(
        job.url,
        "CREATE TABLE strict (id varchar(100) PRIMARY KEY, plays bigint, artist bigint NOT NULL)",
      );
      const wanting = runJob({ ...job, names: { table: "strict" }, target: { unknown: "insert" } });
      await expect(wanting).rejects.toThrow(
        /--unknown insert needs defaults for columns of "strict" .*: artist$/,
      );
    },
  );

  /** Statements of a trigger that fails for the song `b`. */
  const raise = (failure: string): string[] =>
    ({
      postgres: [
        `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now' ${failure}; END $$`,
        "CREATE TRIGGER t BEFORE UPDATE ON song FOR EACH ROW WHEN (new.id = 'b') EXECUTE FUNCTION no()",
      ],
      mysql: [
        `CREATE TRIGGER t BEFORE UPDATE ON song FOR EACH ROW IF new.id = 'b' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now' ${failure}; END IF`,
      ],
      sqlite: [
        `CREATE TRIGGER t BEFORE UPDATE ON song WHEN new.id = 'b' BEGIN SELECT RAISE(${failure || "ABORT"}, 'not now'); END`,
      ],
    })[dialect];
  const noTrigger = dialect === "postgres" ? "DROP TRIGGER t ON song" : "DROP TRIGGER t";

  testHere("a trigger that fails stops the fold, and the next run stores it", async () => {
    const failure = {
      postgres: "USING ERRCODE = 'insufficient_privilege'",
      mysql: ", MYSQL_ERRNO = 1142",
      sqlite: "ROLLBACK",
    };
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)",
      "INSERT INTO song VALUES ('a', 0), ('b', 0)",
      ...raise(failure[dialect]),
    );
    await job.ledger.play([
      ["a", 1],
      ["b", 2],
    ]);
    await expect(runJob(job)).rejects.toThrow(/not now/);
    expect(await plays(job.url)).toEqual({ a: 0, b: 0 });
    expect(await job.ledger.wrongPages(job.url, ["a", "b"])).toEqual([]);
    await expect(runJob(job)).rejects.toThrow(/not now/);
    for (const server of job.servers)
      expect((await (await fetch(`${server}/folds`)).text()).split("\n")).toHaveLength(1);
    await query(job.url, noTrigger);
    await runJob(job);
    expect(await plays(job.url)).toEqual({ a: 1, b: 2 });
  });

  const generated = { postgres: "int GENERATED ALWAYS AS", mysql: "int AS", sqlite: "int AS" }[dialect];
  const REFUSALS: [what: string, columns: string, statements: string[], cure: string][] = [
    ["a trigger", "plays bigint", raise(""), noTrigger],
    [
      "a trigger with an error of its own",
      "plays bigint",
      raise({ postgres: "USING ERRCODE = 'U0001'", mysql: ", MYSQL_ERRNO = 30001", sqlite: "FAIL" }[dialect]),
      noTrigger,
    ],
    ["a CHECK", "plays bigint, CHECK (plays < 3 OR id <> 'b')", [], "UPDATE song SET plays = -1"],
    [
      "a generated column",
      `plays bigint, twice ${generated} (${dialect === "sqlite" ? "abs(-9223372036854775807 - plays / 3)" : "plays * 1000000000"}) STORED`,
      [],
      "UPDATE song SET plays = -1",
    ],
  ];
  for (const [what, columns, statements, cure] of REFUSALS)
    testHere(`plays that ${what} refuses are kept until it does not, and stop no other song`, async () => {
      const job = await jobFor(
        `CREATE TABLE song (id varchar(100) PRIMARY KEY, ${columns})`,
        ...["a", "b", "c"].map((id) => `INSERT INTO song (id, plays) VALUES ('${id}', 0)`),
        ...statements,
      );
      const songs: [string, number][] = [
        ["a", 1],
        ["b", 3],
        ["c", 2],
      ];
      await job.ledger.play(songs);
      for (let run = 0; run < 2; run++) await runJob(job);
      expect([await plays(job.url), await kept(job.url)]).toEqual([{ a: 1, b: 0, c: 2 }, { b: 3 }]);
      expect(await job.ledger.wrongPages(job.url, ["a", "b", "c"])).toEqual([]);
      await query(job.url, cure);
      const before = (await plays(job.url))["b"] as number;
      await runJob(job);
      expect([(await plays(job.url))["b"], await kept(job.url)]).toEqual([before + 3, {}]);
    });

  testServer("ids whose type changes between two parts of a fold get their own plays only", async () => {
    const job = await jobFor(
      "CREATE TABLE song (id int PRIMARY KEY, plays bigint)",
      "INSERT INTO song VALUES (1, 0), (7, 0), (8, 0)",
    );
    await job.ledger.play([
      ["1", 1],
      ["7", 10],
      ["8", 100],
      ["9", 1000],
    ]);
    const change = { postgres: "ALTER id TYPE varchar(100)", mysql: "MODIFY id varchar(100)", sqlite: "" };
    let isToChange = false;
    const open: NonNullable<TestJob["open"]> = (url, names) => {
      const opened = openDatabase(url, names);
      const run = opened.run.bind(opened);
      opened.run = async (...args) => {
        if (isToChange) {
          isToChange = false;
          await query(job.url, `ALTER TABLE song ${change[dialect]}`);
          await query(job.url, "INSERT INTO song VALUES ('08', 0)");
        }
        return await run(...args);
      };
      return opened;
    };
    let parts = 0;
    const onStep = (step: string) => {
      isToChange = step === "committed" && ++parts === 1;
    };
    await runJob({ ...job, target: { partSongs: 2 }, open, onStep });
    expect(parts).toBe(2);
    expect(await plays(job.url)).toEqual({ "1": 1, "7": 10, "8": 100, "08": 0 });
    expect(await kept(job.url)).toEqual({ "9": 1000 });
  });

  testHere("a partitioned table is like any other", async () => {
    const columns = "id varchar(100) PRIMARY KEY, plays bigint";
    const job = await jobFor(
      ...{
        postgres: [
          `CREATE TABLE song (${columns}) PARTITION BY HASH (id)`,
          "CREATE TABLE song0 PARTITION OF song FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
          "CREATE TABLE song1 PARTITION OF song FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        ],
        mysql: [`CREATE TABLE song (${columns}) PARTITION BY KEY (id) PARTITIONS 2`],
        sqlite: [`CREATE TABLE song (${columns}) WITHOUT ROWID`],
      }[dialect],
      "INSERT INTO song VALUES ('a', 0), ('b', 0), ('c', 0)",
    );
    await job.ledger.play([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
    await runJob({ ...job, target: { partSongs: 2 } });
    expect(await plays(job.url)).toEqual({ a: 1, b: 2, c: 3 });
  });

  testHere("names have a schema, quotes and dots", async () => {
    const q = dialect === "mysql" ? "`" : '"';
    const job = await jobFor(
      `CREATE TABLE ${q}my.song${q} (${q}Song Id${q} varchar(100) PRIMARY KEY, ${q}pl.ays${q} bigint)`,
      `INSERT INTO ${q}my.song${q} VALUES ('a', 0)`,
    );
    const schema = { postgres: "public", mysql: new URL(job.url).pathname.slice(1), sqlite: "main" }[dialect];
    const names = { table: `${schema}."my.song"`, id: "song id", plays: "pl.ays", history: `"my.history"` };
    await job.ledger.play([["a", 3]]);
    await runJob({ ...job, names });
    expect(await job.ledger.wrongPages(job.url, ["a"], names)).toEqual([]);
    expect(await rowsOf(job.url, `SELECT id, plays FROM ${q}my.history${q}`)).toEqual({ a: 3 });
  });

  testServer("a right that is missing for one statement is found before a fold is sealed", async () => {
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)",
      "INSERT INTO song VALUES ('a', 0)",
    );
    await runJob(job); // creates the job's tables
    const schema = new URL(job.url).pathname.slice(1);
    const user = `poor_${schema}`;
    const url = new URL(job.url);
    url.username = user;
    const grantee = dialect === "postgres" ? user : `${user}@'127.0.0.1'`;
    await query(job.url, dialect === "postgres" ? `CREATE USER ${user}` : `CREATE USER ${grantee}`);
    const poor = await jobFor();
    const asPoor = { ...job, servers: poor.servers, url: url.href, names: { name: "poor" } };
    const grant = (what: string) => query(job.url, `GRANT ${what} TO ${grantee}`);
    await grant("SELECT ON song");
    await expectRefused(asPoor, /^the database refuses: .*denied/);
    await grant("UPDATE ON song");
    await grant("SELECT, INSERT, UPDATE ON playcount_fold");
    await grant("SELECT, INSERT, UPDATE ON playcount_unknown");
    await expectRefused(asPoor, /^the database refuses: .*denied/); // DELETE is missing
    await expect(tryJob(asPoor)).rejects.toThrow(/^the database refuses: .*denied/);
    await grant("DELETE ON playcount_unknown");
    await runJob(asPoor);
    const bare = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
    await query(bare.url, `GRANT SELECT, UPDATE ON song TO ${grantee}`);
    const there = new URL(bare.url);
    there.username = user;
    // MySQL does not say that the table is missing.
    const refusal = {
      postgres: /^cannot create tables: .*denied.* Let a user create them that may:\nCREATE TABLE IF NOT /,
      mysql:
        /^the database refuses: .*denied .*; the job needs all rights on its tables, see --print-schema$/,
      sqlite: /./,
    }[dialect];
    await expect(runJob({ ...bare, url: there.href })).rejects.toThrow(refusal);
    if (dialect !== "postgres") return;
    await query(job.url, "ALTER TABLE song ENABLE ROW LEVEL SECURITY");
    const hidden = await jobFor();
    await expectRefused({ ...asPoor, servers: hidden.servers }, /refuses: .*row-level security/);
  });

  testHere("a database that only reads is refused", async () => {
    const job = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
    if (dialect !== "sqlite") return; // it is a state of a failover there, and waited for
    await expectRefused({ ...job, url: `${job.url}?mode=ro` }, /^the database refuses: .*read-?only/);
  });

  testHere("two URLs of one server are refused, as its plays would be counted twice", async () => {
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)",
      "INSERT INTO song VALUES ('a', 0)",
    );
    const [server = ""] = job.servers;
    const alias = server.replace("127.0.0.1", "localhost");
    await job.ledger.play([["a", 3]]);
    for (let run = 0; run < 2; run++)
      await expect(runJob({ ...job, servers: [server, alias] })).rejects.toThrow(
        /they are one server, or share a Redis/,
      );
    expect(await plays(job.url)).toEqual({ a: 0 });
    await runJob({ ...job, servers: [alias] });
    expect(await plays(job.url)).toEqual({ a: 3 });
  });

  testHere("rows that others delete and insert meanwhile lose and double no play", async () => {
    const ids = Array.from({ length: 200 }, (_, n) => `song ${n}`);
    const job = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
    await query(job.url, `INSERT INTO song VALUES ${ids.map((id) => `('${id}', 0)`).join(", ")}`);
    let [isOver, deleted] = [false, 0];
    const changing = (async () => {
      for (let n = 0; !isOver; n++) {
        const id = ids[(n * 37) % ids.length] as string;
        deleted += await deleteRow(job.url, id);
        await query(job.url, `INSERT INTO song VALUES ('${id}', 0)`);
        await Bun.sleep(1);
      }
    })();
    for (let round = 0; round < 10; round++) {
      await job.ledger.play(ids.map((id): [string, number] => [id, 1 + (round % 3)]));
      await runJob({ ...job, target: { partSongs: 30 } });
    }
    isOver = true;
    await changing;
    await runJob(job);
    const sum = (rows: Record<string, number>) => Object.values(rows).reduce((all, more) => all + more, 0);
    const sent = [...job.ledger.plays.values()].reduce((all, more) => all + more, 0);
    expect(sum(await plays(job.url)) + sum(await kept(job.url)) + deleted).toBe(sent);
  });

  /** Deletes a row, and returns its plays. */
  async function deleteRow(url: string, id: string): Promise<number> {
    const row = `FROM song WHERE id = '${id}'`;
    if (database.name !== "MySQL") {
      const deleted = await query(url, `DELETE ${row} RETURNING plays`);
      return Number(deleted[0]?.["plays"] ?? 0);
    }
    const { client } = openDatabase(url);
    let plays = 0;
    await client.begin(async (tx) => {
      const [found] = (await tx.unsafe(`SELECT plays ${row} FOR UPDATE`)) as SqlResult;
      plays = Number(found?.["plays"] ?? 0);
      await tx.unsafe(`DELETE ${row}`);
    });
    await client.close();
    return plays;
  }
});
