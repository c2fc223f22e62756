import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { DATABASES, type PostgresServer, query } from "./support/databases.ts";
import { Ledger, runJob, type TestJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describe.each(DATABASES.map((database) => [database.name, database] as const))("%s", (name, database) => {
  const testHere = database.isMissing ? (test.skip as typeof test) : test;
  const testOn = (...names: string[]) => (names.includes(name) ? testHere : (test.skip as typeof test));
  if (!database.isMissing) {
    beforeAll(() => database.start());
    afterAll(() => database.stop());
  }

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
    ...(name === "SQLite"
      ? []
      : [
          [
            "a foreign key",
            [
              "CREATE TABLE catalog (id varchar(100) PRIMARY KEY)",
              "INSERT INTO catalog VALUES ('a'), ('b')",
              `CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint, FOREIGN KEY (id) REFERENCES catalog (id)
                ${name === "PostgreSQL" ? "DEFERRABLE INITIALLY DEFERRED" : ""})`,
            ],
          ] as [string, string[]],
          [
            "a partition",
            name === "PostgreSQL"
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

  testOn("MariaDB")("no row is inserted whose id is not the song's", async () => {
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

  testHere("kept plays above 2^53 are moved without rounding", async () => {
    const job = await jobFor(TABLE);
    const most = Number.MAX_SAFE_INTEGER;
    for (const plays of [most, 2, most]) {
      await job.ledger.play([["a", plays]]);
      for (let n = 0; n < 2; n++) await runJob(job); // a count has the last fold that was acknowledged
    }
    await query(job.url, "INSERT INTO song VALUES ('a', 0)");
    for (let n = 0; n < 3; n++) await runJob(job);
    const text = `CAST(plays AS char(20))`;
    expect((await rowsOf(job.url, "song", text))["a"]?.trim()).toBe(String(2n * BigInt(most) + 2n));
    expect(await rowsOf(job.url, "playcount_unknown")).toEqual({});
  });

  testOn("PostgreSQL")(
    "a table that others inherit from is refused, as their rows would get plays",
    async () => {
      const job = await jobFor(TABLE, "CREATE TABLE old_song () INHERITS (song)");
      await expectRefused(job, /^"song" has tables that inherit from it/);
    },
  );

  testOn("PostgreSQL")("a database whose encoding lacks characters is refused", async () => {
    const server = database as PostgresServer;
    await query(server.adminUrl, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    const url = server.urlOf("latin");
    await query(url, TABLE);
    await expectRefused({ url, servers: [servePlaycount()] }, /has the encoding LATIN1, .* it needs UTF8$/);
  });
});
