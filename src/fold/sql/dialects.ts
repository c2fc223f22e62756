import { quoted } from "../../error-message.ts";
import type { SqlClient } from "./client.ts";
import type { Database, SongTable } from "./database.ts";
import { MySql } from "./mysql.ts";
import { Postgres } from "./postgres.ts";
import { Sqlite } from "./sqlite.ts";

/** The kinds of databases. */
export type Dialect = "postgres" | "mysql" | "sqlite";

const DIALECTS: Readonly<Record<string, Dialect>> = {
  "postgres:": "postgres",
  "postgresql:": "postgres",
  "mysql:": "mysql",
  "mariadb:": "mysql",
  "sqlite:": "sqlite",
};

/** Constructor of a kind of database. */
const DATABASES = { postgres: Postgres, mysql: MySql, sqlite: Sqlite } as const;

/** Returns the kind of database of a URL; `undefined` for any other URL. */
export function dialectOf(url: string): Dialect | undefined {
  return DIALECTS[/^[a-z]+:/i.exec(url)?.[0].toLowerCase() ?? ""];
}

/** Makes a database of a client. */
export function databaseOf(
  dialect: Dialect,
  client: SqlClient,
  names: SongTable,
  lockSeconds: number,
): Database {
  return new DATABASES[dialect](client, names, lockSeconds);
}

/** Returns a URL for messages, without user and password: all up to the last `@`. */
export function withoutPassword(url: string): string {
  return quoted(url.replace(/\/\/.*@/s, "//").replace(/\?.*/s, ""));
}
