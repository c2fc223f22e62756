import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { FoldSettings } from "../../src/cli/fold/arguments.ts";
import { checkHosts, connect as connectTo } from "../../src/cli/fold/connect.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { openDatabase, type PostgresServer, query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Crash, crashAt, Ledger, runJob, type TestJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describeDatabases(({ dialect, database, testHere, testOn, testServer }) => {
  const TABLE = "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)";

  /** Makes tables, and returns a job for them and a server. */
  async function jobFor(...statements: string[]): Promise<TestJob & { ledger: Ledger }> {
    const url = await database.create();
    for (const statement of statements) await query(url, statement);
    const servers = [servePlaycount()];
    return { url, servers, ledger: new Ledger(servers) };
  }

  async function rowsOf(url: string, table: string, sum = "plays"): Promise<Record<string, string>> {
    const rows = await query(url, `SELECT id, ${sum} AS plays FROM ${table}`);
    return Object.fromEntries(rows.map((row) => [String(row["id"]), String(row["plays"])]));
  }

  /** Asserts that a job is refused before its server seals a fold. */
  async function expectRefused(job: TestJob, sentence: RegExp): Promise<void> {
    await expect(runJob(job)).rejects.toThrow(sentence);
    expect(await (await fetch(`${job.servers[0]}/folds`)).text()).toBe("");
  }

  const BAD_IDS: [what: string, statements: string[]][] = [
    ["a CHECK", ["CREATE TABLE song (id varchar(100) PRIMARY KEY CHECK (id NOT LIKE 'bad%'), plays bigint)"]],
    ...(dialect === "sqlite"
      ? []
      : [
          [
            "a foreign key",
            [
              "CREATE TABLE catalog (id varchar(100) PRIMARY KEY)",
              "INSERT INTO catalog VALUES ('a'), ('b')",
              `CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint, FOREIGN KEY (id) REFERENCES catalog (id)
                ${dialect === "postgres" ? "DEFERRABLE INITIALLY DEFERRED" : ""})`,
            ],
          ] as [string, string[]],
          [
            "a partition",
            dialect === "postgres"
              ? [
                  "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint) PARTITION BY RANGE (id)",
                  "CREATE TABLE song0 PARTITION OF song FOR VALUES FROM ('a') TO ('ba')",
                ]
              : [
                  "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint) PARTITION BY RANGE COLUMNS (id) (PARTITION p VALUES LESS THAN ('ba'))",
                ],
          ] as [string, string[]],
        ]),
  ];
  for (const [what, statements] of BAD_IDS)
    testHere(`an id that ${what} refuses is kept, and stops no other song that is inserted`, async () => {
      const job = await jobFor(...statements);
      await job.ledger.play([
        ["a", 1],
        ["b", 2],
        ["bad", 4],
        ["bad2", 8],
      ]);
      expect(await runJob({ ...job, target: { unknown: "insert" } })).toMatchObject([
        { setAside: { songs: 2, plays: 12 } },
      ]);
      expect([await rowsOf(job.url, "song"), await rowsOf(job.url, "playcount_unknown")]).toEqual([
        { a: "1", b: "2" },
        { bad: "4", bad2: "8" },
      ]);
    });

  testOn("mysql")("no row is inserted whose id is not the song's", async () => {
    for (const [type, id, odd] of [
      ["varchar(100) CHARACTER SET latin1", "a", ["日本", "日本語"]],
      ["char(10)", "a", ["b ", "c  "]],
      ["bigint AUTO_INCREMENT", "7", ["0"]],
    ] as const) {
      const job = await jobFor(`CREATE TABLE song (id ${type} PRIMARY KEY, plays bigint)`);
      for (let n = 0; n < 2; n++) {
        await job.ledger.play([id, ...odd].map((song): [string, number] => [song, 1]));
        await runJob({ ...job, target: { unknown: "insert" } });
      }
      expect([await rowsOf(job.url, "song"), await rowsOf(job.url, "playcount_unknown")]).toEqual([
        { [id]: "2" },
        Object.fromEntries(odd.map((song) => [song, "2"])),
      ]);
    }
  });

  testOn("mysql")(
    "kept songs get no row whose id is not theirs, beside one that has a row by now",
    async () => {
      for (const [type, id, odd] of [
        ["varchar(100) CHARACTER SET latin1", "a", "日"],
        ["bigint AUTO_INCREMENT", "7", "0"],
      ] as const) {
        const job = await jobFor(`CREATE TABLE song (id ${type} PRIMARY KEY, plays bigint)`);
        await job.ledger.play([
          [id, 1],
          [odd, 1],
        ]);
        await runJob(job);
        await query(job.url, `INSERT INTO song VALUES ('${id}', 0)`);
        await runJob({ ...job, target: { unknown: "insert" } });
        expect([await rowsOf(job.url, "song"), await rowsOf(job.url, "playcount_unknown")]).toEqual([
          { [id]: "1" },
          { [odd]: "1" },
        ]);
      }
    },
  );

  testOn("postgres")(
    "a part is committed to the disk although the database would not wait for that",
    async () => {
      for (const [setting, wanted] of [
        ["off", "on"],
        ["local", "local"],
      ]) {
        const job = await jobFor("CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
        const name = new URL(job.url).pathname.slice(1);
        await query(job.url, `ALTER DATABASE ${name} SET synchronous_commit = ${setting}`);
        await job.ledger.play([["a", 1]]);
        const found = new Set<unknown>();
        const open: NonNullable<TestJob["open"]> = (url, names) => {
          const opened = openDatabase(url, names);
          const change = opened.changeState.bind(opened);
          opened.changeState = async (tx, ...rest) => {
            await change(tx, ...rest);
            const [row] = await opened.run(tx, "SELECT current_setting('synchronous_commit') AS value");
            found.add(row?.["value"]);
          };
          return opened;
        };
        await runJob({ ...job, open });
        expect([...found]).toEqual([wanted]);
      }
    },
  );

  testHere("kept plays above 2^53 are moved without rounding", async () => {
    const job = await jobFor(TABLE);
    const most = Number.MAX_SAFE_INTEGER;
    for (const plays of [most, 1, most]) {
      await job.ledger.play([["a", plays]]);
      for (let n = 0; n < 2; n++) await runJob(job); // a count has the last fold that was acknowledged
    }
    await query(job.url, "INSERT INTO song VALUES ('a', 0)");
    for (let n = 0; n < 3; n++) await runJob(job);
    const text = `CAST(plays AS char(20))`;
    expect((await rowsOf(job.url, "song", text))["a"]?.trim()).toBe(String(2n * BigInt(most) + 1n));
    expect(await rowsOf(job.url, "playcount_unknown")).toEqual({});
  });

  testHere("the most plays of a song on each of two servers are stored, and stop nothing", async () => {
    const job = await jobFor(TABLE, "INSERT INTO song VALUES ('a', 2)");
    const servers = [...job.servers, servePlaycount()];
    const ledger = new Ledger(servers);
    const most = Number.MAX_SAFE_INTEGER;
    for (const at of [0, 1])
      await ledger.play(
        [
          ["a", most],
          ["b", most],
        ],
        at,
      );
    await runJob({ ...job, servers });
    const text = `CAST(plays AS char(20))`;
    expect((await rowsOf(job.url, "song", text))["a"]?.trim()).toBe(String(2n * BigInt(most) + 2n));
    const kept = await rowsOf(job.url, "playcount_unknown", text);
    expect(kept["b"]?.trim()).toBe(String(2n * BigInt(most)));
  });

  testOn("postgres")(
    "a table that others inherit from is refused, as their rows would get plays",
    async () => {
      const job = await jobFor(TABLE, "CREATE TABLE old_song () INHERITS (song)");
      await expectRefused(job, /^"song" has tables that inherit from it/);
    },
  );

  testOn("postgres")("a key that is checked later is refused only where rows are inserted", async () => {
    const job = await jobFor("CREATE TABLE song (id text UNIQUE DEFERRABLE, plays bigint)");
    await expectRefused(
      { ...job, target: { unknown: "insert" } },
      /^--unknown insert needs keys of "song" that are NOT DEFERRABLE: /,
    );
    expect(await runJob(job)).toMatchObject([{ songs: 0 }]);
  });

  testHere(
    "thousands of ids that the database refuses are kept by a bounded number of statements",
    async () => {
      const job = await jobFor(
        "CREATE TABLE song (id varchar(100) PRIMARY KEY CHECK (id LIKE 'a%'), plays bigint)",
      );
      await query(job.url, "INSERT INTO song VALUES ('a', 0)");
      const bad = Array.from({ length: 9000 }, (_, n): [string, number] => [`bad ${n}`, 1]);
      const good = Array.from({ length: 50 }, (_, n): [string, number] => [`a ${n}`, 1]);
      await job.ledger.play([["a", 1], ...good, ...bad]);
      let statements = 0;
      const open: NonNullable<TestJob["open"]> = (url, names) => {
        const opened = openDatabase(url, names);
        const run = opened.run.bind(opened);
        opened.run = (...args) => {
          statements++;
          return run(...args);
        };
        return opened;
      };
      const folds = await runJob({ ...job, target: { unknown: "insert" }, open });
      expect(folds).toMatchObject([{ setAside: { songs: 9000, plays: 9000 } }]);
      expect(statements).toBeLessThan(5000);
      expect(Object.keys(await rowsOf(job.url, "song"))).toHaveLength(51);
    },
  );

  for (const unknown of ["keep", "insert", "drop"] as const)
    testHere(`songs after hundreds that the database refuses get all their plays (${unknown})`, async () => {
      const good = unknown === "insert" ? "id NOT LIKE 'a%'" : "id NOT LIKE 'a%' OR plays < 1";
      const job = await jobFor(
        `CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint, CHECK (${good}))`,
      );
      const bad = Array.from({ length: 400 }, (_, n): [string, number] => [`a${n}`, 1]);
      const rows = [...(unknown === "insert" ? [] : bad), ["z", 0]].map(([id]) => `('${id}', 0)`);
      await query(job.url, `INSERT INTO song VALUES ${rows.join()}`);
      await job.ledger.play([...bad, ["y", 1], ["z", 1]]);
      const wanted = unknown === "insert" ? { y: "1", z: "1" } : { z: "1" };
      for (let fold = 0; fold < 100; fold++) {
        const [done] = await runJob({ ...job, target: { unknown } });
        if (fold === 0 && unknown === "drop") {
          const kept = Object.keys(await rowsOf(job.url, "playcount_unknown")).length;
          expect(kept).toBeGreaterThan(0);
          expect(done?.setAside).toMatchObject({ songs: 402, kept });
        }
        const songs = await rowsOf(job.url, "song");
        if (songs["z"] === "1" && (unknown !== "insert" || songs["y"] === "1")) break;
      }
      expect(await rowsOf(job.url, "song")).toMatchObject(wanted);
      const kept = await rowsOf(job.url, "playcount_unknown");
      if (unknown === "keep") expect(Object.keys(kept)).toHaveLength(401);
      if (unknown === "insert") expect(Object.keys(kept)).toHaveLength(400);
    });

  testOn("postgres")("a database whose encoding lacks characters is refused", async () => {
    const server = database as PostgresServer;
    await query(server.adminUrl, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    const url = server.urlOf("latin");
    await query(url, TABLE);
    await expectRefused({ url, servers: [servePlaycount()] }, /has the encoding LATIN1, .* it needs UTF8$/);
  });

  const change = (type: string) =>
    dialect === "postgres" ? `ALTER TABLE song ALTER id TYPE ${type}` : `ALTER TABLE song MODIFY id ${type}`;

  for (const [from, to] of [
    ["bigint", "varchar(100)"],
    ["varchar(3)", "varchar(100)"],
    ["varchar(100)", "varchar(3)"],
  ] as const)
    for (const partSongs of [2, 9, 10])
      testServer(
        `ids that become ${to} after ${from}, between two parts of ${partSongs}, lose and double no play`,
        async () => {
          const ids = Array.from({ length: 20 }, (_, n) => String(n + 1));
          const job = await jobFor(
            `CREATE TABLE song (id ${from} PRIMARY KEY, plays bigint)`,
            `INSERT INTO song VALUES ${ids.map((id) => `('${id}', 0)`).join()}`,
          );
          await job.ledger.play([...ids, "1000", "a", "9999"].map((id): [string, number] => [id, 1]));
          const names = { history: "plays_of_song" };
          const first = runJob({ ...job, names, target: { partSongs }, onStep: crashAt("committed") });
          await expect(first).rejects.toThrow(Crash);
          expect(await job.ledger.wrongPages(job.url, ids)).toEqual([]);
          await query(job.url, change(to));
          expect(await job.ledger.wrongPages(job.url, ids)).toEqual([]);
          await runJob({ ...job, names, target: { partSongs } });
          const [songs, kept] = [await rowsOf(job.url, "song"), await rowsOf(job.url, "playcount_unknown")];
          const all = Object.fromEntries([...ids, "1000", "a", "9999"].map((id) => [id, "1"]));
          expect({ ...songs, ...kept }).toEqual(all);
          expect(await rowsOf(job.url, "plays_of_song")).toEqual(all);
          expect(await job.ledger.wrongPages(job.url, ids)).toEqual([]);
        },
      );

  testServer("a server whose ids are too long for an index is refused", async () => {
    const [maxIdBytes, table] = dialect === "mysql" ? [512, 700] : [2500, 4000];
    const job = await jobFor(`CREATE TABLE song (id varchar(${table}) PRIMARY KEY, plays bigint)`);
    await query(job.url, `INSERT INTO song VALUES ('${"x".repeat(512)}', 0)`);
    const [server = ""] = (job.servers = [servePlaycount({ maxIdBytes: maxIdBytes + 1 })]);
    const long = String.fromCharCode(
      ...Array.from({ length: maxIdBytes + 1 }, (_, n) => 97 + ((n * n) % 23)),
    );
    await fetch(`${server}/song/${long}`, { method: "POST", body: "10" });
    await expectRefused(job, new RegExp(`takes ids of more than ${maxIdBytes} bytes, .* to ${maxIdBytes}$`));
    // Another one counts such an id before it is started with another limit.
    const strict = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        if (pathname.length + search.length > maxIdBytes) return new Response("too long", { status: 414 });
        return await fetch(server + pathname + search, request);
      },
    });
    const refused = { ...job, servers: [strict.url.origin] };
    for (let n = 0; n < 2; n++)
      await expect(runJob({ ...refused, target: { partSongs: 1 } })).rejects.toThrow(
        /^the id ".*" has more than/,
      );
    expect(Object.values(await rowsOf(job.url, "song"))).toEqual(["0"]);
    await strict.stop(true);
  });

  testHere("ids as long as they may be are kept, inserted and in the history", async () => {
    const maxIdBytes = { postgres: 2500, mysql: 512, sqlite: 4096 }[dialect];
    const ids = Array.from({ length: 3 }, (_, at) =>
      String.fromCharCode(
        ...Array.from({ length: maxIdBytes }, (_, n) => 33 + (((n + at) * 7919 + n * n * 31) % 89)),
      ),
    );
    const job = await jobFor(
      `CREATE TABLE song (id varchar(${dialect === "mysql" ? 600 : 5000}) PRIMARY KEY, plays bigint)`,
    );
    job.servers = [servePlaycount({ maxIdBytes })];
    const [server = ""] = job.servers;
    for (const unknown of ["keep", "insert"] as const) {
      for (const id of ids)
        await fetch(`${server}/song/${encodeURIComponent(id)}`, { method: "POST", body: "10" });
      await runJob({ ...job, names: { history: "plays_of_song" }, target: { unknown, partSongs: 1 } });
    }
    expect(await rowsOf(job.url, "song")).toEqual(Object.fromEntries(ids.map((id) => [id, "20"])));
  });

  testOn("mysql")("ids that are long as JSON are stored in parts that a statement can have", async () => {
    const job = await jobFor("CREATE TABLE song (id varchar(512) PRIMARY KEY, plays bigint)");
    const ids = Array.from({ length: 6000 }, (_, n) => String(n).padStart(512, "\u0001"));
    for (let n = 0; n < ids.length; n += 500)
      await job.ledger.play(ids.slice(n, n + 500).map((id): [string, number] => [id, 1]));
    const steps: string[] = [];
    const names = { history: "song_plays" };
    await runJob({ ...job, names, onStep: (name) => void steps.push(name) });
    expect(steps.filter((name) => name === "committed")).toHaveLength(2);
    for (let run = 0; run < 2; run++) {
      await query(
        job.url,
        "INSERT INTO song SELECT id, 0 FROM song_plays WHERE id NOT IN (SELECT id FROM song)",
      );
      await runJob({ ...job, names });
    }
    const [row] = await query(job.url, "SELECT count(*) AS songs, sum(plays) AS plays FROM song");
    expect([Number(row?.["songs"]), Number(row?.["plays"])]).toEqual([6000, 6000]);
  });

  testOn("postgres")("a database that is read-only for a moment is waited for", async () => {
    const job = await jobFor(TABLE, "INSERT INTO song VALUES ('a', 0)");
    await job.ledger.play([["a", 3]]);
    const name = new URL(job.url).pathname.slice(1);
    const change = (mode: "on" | "off") =>
      query(
        (database as PostgresServer).adminUrl,
        `ALTER DATABASE ${name} SET default_transaction_read_only = ${mode}`,
      );
    await change("on");
    const lines: string[] = [];
    const log = (line: string) => {
      lines.push(line);
      if (lines.length === 2) {
        // The setting is read by a new connection, as one to a server that takes over.
        void change("off").then(() =>
          query(
            job.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
          ),
        );
      }
    };
    await runJob({ ...job, target: { log } });
    expect(lines[0]).toMatch(/read-only transaction \(25006\); trying again$/);
    expect(await rowsOf(job.url, "song")).toEqual({ a: "3" });
  });

  testHere("a page shows the plays of its own song where the column takes ids for equal", async () => {
    const columns = {
      postgres: ["id citext", "id varchar(100) COLLATE loose"],
      mysql: ["id varchar(100) COLLATE utf8mb4_general_ci", "id varchar(100) CHARACTER SET latin1"],
      sqlite: ["id TEXT COLLATE NOCASE"],
    }[dialect];
    for (const column of columns) {
      const job = await jobFor();
      if (dialect === "postgres") {
        await query(
          job.url,
          "CREATE COLLATION loose (provider=icu, locale='und-u-ks-level1', deterministic=false)",
        );
        if (
          column.endsWith("citext") &&
          (await query(job.url, "SELECT FROM pg_available_extensions WHERE name = 'citext'")).length === 0
        )
          continue;
        if (column.endsWith("citext")) await query(job.url, "CREATE EXTENSION citext");
      }
      await query(job.url, `CREATE TABLE song (${column} PRIMARY KEY, plays bigint)`);
      await query(job.url, "INSERT INTO song VALUES ('a', 0)");
      await job.ledger.play([
        ["a", 5],
        ["A", 3],
      ]);
      await runJob(job);
      expect(await job.ledger.wrongPages(job.url, ["a"])).toEqual([]);
      const other = openDatabase(job.url);
      await other.readColumns();
      expect([...((await other.client.unsafe(other.page, ["A"])) as unknown[])]).toEqual([]);
      await other.client.close();
    }
  });

  testHere("a page shows the plays that are kept, and is right before the first fold", async () => {
    const job = await jobFor(
      "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays smallint)",
      `INSERT INTO song VALUES ('full', ${dialect === "sqlite" ? 0 : 32_767})`,
    );
    if (dialect !== "sqlite") job.ledger.plays.set("full", 32_767);
    for (const statement of await schemaOf(job.url)) await query(job.url, statement);
    await job.ledger.play([
      ["full", 2],
      ["new", 3],
    ]);
    expect(await job.ledger.wrongPages(job.url, ["full"])).toEqual([]);
    await runJob(job);
    await query(job.url, "INSERT INTO song VALUES ('new', 0)");
    await job.ledger.play([["new", 4]]);
    expect(await job.ledger.wrongPages(job.url, ["full", "new"])).toEqual([]);
    await runJob(job);
    expect(await job.ledger.wrongPages(job.url, ["full", "new"])).toEqual([]);
  });

  testServer("a job's row that a transaction keeps locked is no other job at work", async () => {
    const job = await jobFor(TABLE, "INSERT INTO song VALUES ('a', 0)");
    await runJob(job);
    await job.ledger.play([["a", 3]]);
    const { client } = openDatabase(job.url);
    await client.begin(async (tx) => {
      await tx.unsafe("SELECT fold FROM playcount_fold FOR UPDATE");
      await expect(runJob(job)).rejects.toThrow(/^another transaction has kept the job's row .* locked$/);
    });
    await client.close();
    await runJob(job);
    expect(await rowsOf(job.url, "song")).toEqual({ a: "3" });
  });

  testServer("a database that falls silent stops the job after --timeout, at any step", async () => {
    const job = await jobFor(TABLE, "INSERT INTO song VALUES ('a', 0)");
    const { port } = new URL(job.url);
    await job.ledger.play([["a", 3]]);
    for (const messages of [2, 4, 9]) {
      const sockets: Socket[] = [];
      const silent = createServer((from) => {
        const to = connect(Number(port), "127.0.0.1");
        sockets.push(from, to);
        let count = 0;
        from.on("data", (data) => count++ < messages && to.write(data)).on("error", () => {});
        to.on("data", (data) => from.write(data)).on("error", () => {});
      });
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const url = new URL(job.url);
      url.port = String((silent.address() as AddressInfo).port);
      const open = (to: string) => openDatabase(to, {}, 1);
      await expect(runJob({ ...job, url: url.href, open })).rejects.toThrow(
        /^the database has not ended a step within 1 s: raise --timeout,/,
      );
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
    await runJob(job);
    expect(await rowsOf(job.url, "song")).toEqual({ a: "3" });
  });

  testOn("sqlite")("a URL has a host, a query without a mode, or no file, and takes no --ca", async () => {
    const job = await jobFor(TABLE);
    const url = job.url.replace("sqlite:", "sqlite://");
    expect(await runJob({ ...job, url })).toMatchObject([{ songs: 0 }]);
    await checkHosts({ from: [], into: { database: "sqlite://tmp/music.db" } } as unknown as FoldSettings);
    const missing = `${job.url}.missing`;
    await expect(query(`${missing}?x`, "SELECT 1")).rejects.toThrow(/unable to open/);
    expect(existsSync(missing.slice("sqlite:".length))).toBe(false);
    expect(() => connectTo(job.url, { ca: "/x" })).toThrow(/^--ca is for a database with a server/);
  });

  async function schemaOf(url: string): Promise<string[]> {
    const opened = openDatabase(url);
    await opened.readColumns();
    await opened.client.close();
    return opened.schema;
  }
});
