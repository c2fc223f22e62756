/**
 * `bun other-way.ts SERVER DATABASE bulk|row-by-row` stores a fold as scripts do that keep no state: with the
 * fastest load that the database has and one UPDATE, or by one statement for each song.
 */
import process from "node:process";
import { PairReader } from "../../src/mapping/read.ts";
import { connect } from "../../src/cli/fold/connect.ts";
import type { SqlRunner } from "../../src/fold/sql/client.ts";
import { dialectOf } from "../../src/fold/sql/dialects.ts";
import { findProgram } from "../../test/support/extent.ts";

const [server = "", url = "", way] = process.argv.slice(2);
const dialect = dialectOf(url);
const number = Date.now();
const fold = await fetch(`${server}/folds/${number}`, { method: "PUT" });
const songs: [string, number][] = [];
const reader = new PairReader((text, start, end, plays) => void songs.push([text.slice(start, end), plays]));
reader.push(await fold.text());
reader.finish();
await (way === "row-by-row" || dialect === "sqlite" ? storeByClient() : storeByProgram());
await fetch(`${server}/folds/${number}`, { method: "DELETE" });

/** Loads the songs by the program of the database: COPY, or LOAD DATA. */
async function storeByProgram(): Promise<void> {
  const { hostname, port, username, pathname } = new URL(url);
  const table = "CREATE TEMPORARY TABLE f (id varchar(100), plays bigint)";
  const postgres = [
    ...["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", url],
    ...[`--command=${table}`, "--command=\\copy f FROM pstdin"],
    "--command=UPDATE song SET plays = song.plays + f.plays FROM f WHERE song.id = f.id",
  ];
  const mysql = [
    ...[
      "mariadb",
      "--no-defaults",
      "--local-infile=1",
      `--host=${hostname}`,
      `--port=${port}`,
      `--user=${username}`,
    ],
    `--execute=${table}; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE f; UPDATE f JOIN song ON song.id = f.id SET song.plays = song.plays + f.plays`,
    pathname.slice(1),
  ];
  const [program = "", ...flags] = dialect === "postgres" ? postgres : mysql;
  const stdin = new Blob([songs.map(([id, plays]) => `${id}\t${plays}\n`).join("")]);
  const child = Bun.spawn([findProgram(program) ?? program, ...flags], {
    stdin,
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error(`${program} failed`);
}

async function storeByClient(): Promise<void> {
  const client = connect(url, {});
  const [plays, id] = dialect === "postgres" ? ["$1", "$2"] : ["?", "?"];
  const store = async (tx: SqlRunner): Promise<void> => {
    if (way === "row-by-row") {
      const one = `UPDATE song SET plays = plays + ${plays} WHERE id = ${id}`;
      for (const [song, count] of songs) await tx.unsafe(one, [count, song]);
      return;
    }
    await tx.unsafe("CREATE TEMPORARY TABLE f (id varchar(100), plays bigint)");
    for (let at = 0; at < songs.length; at += 10_000) {
      const part = JSON.stringify(songs.slice(at, at + 10_000));
      await tx.unsafe("INSERT INTO f SELECT value->>0, value->>1 FROM json_each(?)", [part]);
    }
    await tx.unsafe("UPDATE song SET plays = song.plays + f.plays FROM f WHERE song.id = f.id");
  };
  if (dialect === "sqlite") await client.unsafe("PRAGMA busy_timeout = 60000");
  await (dialect === "sqlite" ? client.begin("IMMEDIATE", store) : client.begin(store));
  await client.close({ timeout: 0 });
}
