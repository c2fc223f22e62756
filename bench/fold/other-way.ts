/**
 * `bun other-way.ts SERVER DATABASE at-once|row-by-row` stores a fold as scripts do that keep no state: by
 * one statement for all songs, from a table that is filled before, or by one statement for each song.
 */
import process from "node:process";
import { PairReader } from "../../src/mapping/read.ts";
import { connect } from "../../src/cli/fold/connect.ts";
import type { SqlRunner } from "../../src/fold/sql/client.ts";
import { dialectOf } from "../../src/fold/sql/dialects.ts";

const [server = "", url = "", way] = process.argv.slice(2);
const number = Date.now();
const fold = await fetch(`${server}/folds/${number}`, { method: "PUT" });
const songs: [string, number][] = [];
const reader = new PairReader((text, start, end, plays) => void songs.push([text.slice(start, end), plays]));
reader.push(await fold.text());
reader.finish();

const client = connect(url, {});
const dialect = dialectOf(url);
const update = {
  postgres: "UPDATE song SET plays = song.plays + f.plays FROM f WHERE song.id = f.id",
  mysql: "UPDATE f JOIN song ON song.id = f.id SET song.plays = song.plays + f.plays",
  sqlite: "UPDATE song SET plays = song.plays + f.plays FROM f WHERE song.id = f.id",
}[dialect ?? "sqlite"];
const store = async (tx: SqlRunner): Promise<void> => {
  if (way === "row-by-row") {
    const one =
      dialect === "postgres"
        ? "UPDATE song SET plays = plays + $1 WHERE id = $2"
        : "UPDATE song SET plays = plays + ? WHERE id = ?";
    for (const [id, plays] of songs) await tx.unsafe(one, [plays, id]);
    return;
  }
  await tx.unsafe("CREATE TEMPORARY TABLE f (id varchar(100), plays bigint)");
  for (let at = 0; at < songs.length; at += 10_000) {
    const part = songs.slice(at, at + 10_000);
    if (dialect === "postgres") {
      const values = [part.map(([id]) => id), part.map(([, plays]) => plays)];
      await tx.unsafe("INSERT INTO f SELECT * FROM unnest($1::text[], $2::bigint[])", values);
    } else if (dialect === "mysql") {
      const rows = "JSON_TABLE(?, '$[*]' COLUMNS (id varchar(100) PATH '$[0]', plays bigint PATH '$[1]')) j";
      await tx.unsafe(`INSERT INTO f SELECT * FROM ${rows}`, [JSON.stringify(part)]);
    } else
      await tx.unsafe("INSERT INTO f SELECT value->>0, value->>1 FROM json_each(?)", [JSON.stringify(part)]);
  }
  await tx.unsafe(update);
};
if (dialect === "sqlite") await client.unsafe("PRAGMA busy_timeout = 60000");
await (dialect === "sqlite" ? client.begin("IMMEDIATE", store) : client.begin(store));
await client.close({ timeout: 0 });
await fetch(`${server}/folds/${number}`, { method: "DELETE" });
