import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { query } from "./support/databases.ts";
import { describeDatabases } from "./support/each-database.ts";
import { Ledger, runJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describeDatabases(({ dialect, database, testHere }) => {
  const COLUMNS = {
    postgres: [
      ["text COLLATE loose", "a", "A"],
      ["text", "a", "A"],
      ...["C", "POSIX", "en-x-icu", "und-x-icu", "default"].map((name) => [
        `text COLLATE "${name}"`,
        "a",
        "A",
      ]),
      ["varchar(3) COLLATE loose", "a", "A"],
      ["bigint", "7", "-9223372036854775808"],
      ["uuid", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964f0"],
    ],
    mysql: [
      ["varchar(100)", "a", "b"],
      ["varchar(100) CHARACTER SET latin1 COLLATE latin1_german2_ci", "a", "b"],
      ["int ZEROFILL", "7", "4294967295"],
      ["bigint ZEROFILL", "7", "18446744073709551615"],
      ["bigint", "7", "-9223372036854775808"],
    ],
    sqlite: [
      ["TEXT COLLATE NOCASE", "a", "b"],
      ["INTEGER", "7", "-9223372036854775808"],
    ],
  }[dialect];

  for (const [type, id = "", other = ""] of COLUMNS)
    testHere(`kept plays are moved to the rows of ids of the type ${type}, and pages show them`, async () => {
      const url = await database.create();
      if (type?.includes("loose"))
        await query(url, "CREATE COLLATION loose (provider=icu, locale='und', deterministic=false)");
      await query(url, `CREATE TABLE song (id ${type} PRIMARY KEY, plays bigint)`);
      const servers = [servePlaycount()];
      const ledger = new Ledger(servers);
      for (const unknown of ["keep", "insert"] as const) {
        await ledger.play([
          [id, 1],
          [other, 2],
          ["kept for good", 4],
        ]);
        for (let run = 0; run < 3; run++) await runJob({ url, servers, target: { unknown } });
        if (unknown === "keep")
          for (const song of [id, other]) await query(url, `INSERT INTO song VALUES ('${song}', 0)`);
        expect(await ledger.wrongPages(url, [id, other])).toEqual([]);
        await runJob({ url, servers, target: { unknown } });
        expect(await ledger.wrongPages(url, [id, other])).toEqual([]);
        if (unknown === "insert") continue;
        const kept = await query(url, "SELECT id FROM playcount_unknown");
        expect(kept.map((row) => row["id"])).toEqual(["kept for good"]);
      }
    });

  testHere(
    "thousands of kept songs are moved in time that is not quadratic",
    async () => {
      const url = await database.create();
      await query(url, "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
      const servers = [servePlaycount()];
      const ledger = new Ledger(servers);
      await ledger.play(Array.from({ length: 6000 }, (_, n) => [`song ${n}`, 1 + (n % 3)]));
      await runJob({ url, servers });
      await query(url, "INSERT INTO song SELECT id, 0 FROM playcount_unknown");
      for (const left of [1000, 0]) {
        await runJob({ url, servers });
        const [row] = await query(url, "SELECT count(*) AS songs FROM playcount_unknown");
        expect(Number(row?.["songs"])).toBe(left);
      }
      const [row] = await query(url, "SELECT sum(plays) AS plays FROM song");
      expect(Number(row?.["plays"])).toBe(12_000);
    },
    20_000, // a statement that reads all songs for each one takes minutes
  );

  testHere("a sum of kept plays ends at 2^63 - 1, and stops no fold", async () => {
    const url = await database.create();
    await query(url, "CREATE TABLE song (id varchar(100) PRIMARY KEY, plays bigint)");
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    await ledger.play([["a", 1]]);
    await runJob({ url, servers });
    await query(url, "UPDATE playcount_unknown SET plays = 9223372036854775800");
    for (const plays of [5, Number.MAX_SAFE_INTEGER - 20]) {
      await ledger.play([
        ["a", plays],
        ["b", 1],
      ]);
      await runJob({ url, servers });
    }
    const rows = await query(url, "SELECT id, CAST(plays AS char(20)) AS plays FROM playcount_unknown");
    const kept = Object.fromEntries(rows.map((row) => [String(row["id"]), String(row["plays"]).trim()]));
    expect(kept).toEqual({ a: "9223372036854775807", b: "2" });
  });
});
