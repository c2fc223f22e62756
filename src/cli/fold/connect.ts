import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import type { CountClientOptions } from "../../client/options.ts";
import { Placement } from "../../client/placement.ts";
import { ServerClient } from "../../client/server-client.ts";
import { quoted } from "../../error-message.ts";
import { ServerTarget } from "../../fold/server-target.ts";
import type { SqlClient } from "../../fold/sql/client.ts";
import { Database } from "../../fold/sql/database.ts";
import { dialectOf } from "../../fold/sql/dialects.ts";
import { SqlTarget } from "../../fold/sql/sql-target.ts";
import type { Target } from "../../fold/target.ts";
import { BUN_ADVICE } from "../exit.ts";
import type { FoldSettings } from "./arguments.ts";
import { CommandTarget } from "./command-target.ts";

/** Seconds that opening a connection may take. */
const CONNECT_SECONDS = 10;

/**
 * Makes a client of `Bun.sql` with one connection, which is opened by the first statement. `ca` is a file
 * with certificates of authorities. Default: those of the system.
 *
 * @throws {RangeError} for a URL without a database, or another runtime.
 */
export function connect(
  url: string,
  { password, ca }: { password?: string | undefined; ca?: string | undefined },
): SqlClient {
  if (!("Bun" in globalThis)) throw new RangeError(`--into a database requires Bun: ${BUN_ADVICE}`);
  const dialect = dialectOf(url);
  if (dialect === "sqlite") {
    if (ca !== undefined) throw new RangeError("--ca is for a database with a server, not for SQLite");
    const mode = /[?&]mode=/.test(url) ? "" : `${url.includes("?") ? "&" : "?"}mode=rw`;
    return new Bun.SQL(url + mode) as unknown as SqlClient;
  }
  if (!url.includes("://")) throw new RangeError("the URL of the database needs // after its scheme");
  const { hostname, pathname, searchParams } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  if (database === "") throw new RangeError("the URL of the database names no database: add /name to it");
  const socket = searchParams.get("socket") ?? searchParams.get("host") ?? searchParams.get("path");
  const isLocal = socket?.startsWith("/") || /^(?:localhost|127(?:\.\d+){3}|\[::1\]|%2f.*|)$/i.test(hostname);
  if (ca !== undefined && !existsSync(ca)) throw new RangeError(`--ca: no file ${quoted(ca)}`);
  // `tls: true` and `sslmode=require` alone would check no certificate.
  const isVerified = !isLocal && searchParams.get("sslmode") !== "disable";
  const tls = ca !== undefined ? { caFile: ca } : isVerified && { rejectUnauthorized: true };
  return new Bun.SQL(dialect === "mysql" ? url.replace(/^mysql:/i, "mariadb:") : url, {
    max: 1,
    connectionTimeout: CONNECT_SECONDS,
    database, // an option, because PGDATABASE and MYSQL_DATABASE win over the URL
    ...(password !== undefined && { password }),
    ...(tls !== false && { tls }),
    ...(dialect === "mysql"
      ? { foundRows: true }
      : { prepare: false, connection: { application_name: "playcount fold" } }),
  } as never) as unknown as SqlClient;
}

/** Opens the database of the settings. @throws {RangeError} if they have none. */
export function databaseFor(settings: FoldSettings): Database {
  const { into, names } = settings;
  const dialect = "database" in into ? dialectOf(into.database) : undefined;
  if (!("database" in into) || dialect === undefined) throw new RangeError("--into names no database");
  return new Database(dialect, connect(into.database, settings), names, settings);
}

/** Opens the target of the settings. */
export function openTarget(
  settings: FoldSettings,
  serverOptions: CountClientOptions,
  signal: AbortSignal,
  log: (line: string) => void,
): Target {
  const { into, names, toToken } = settings;
  if ("command" in into) return new CommandTarget(into.command, names.name);
  if ("database" in into) return new SqlTarget(databaseFor(settings), { ...settings, signal, log });
  const client = new ServerClient({ ...serverOptions, token: toToken });
  return new ServerTarget(new Placement(into.servers), client, { ...settings, signal });
}

/** @throws {RangeError} for a host that has no address. */
export async function checkHosts({ from, into }: FoldSettings): Promise<void> {
  const more = "servers" in into ? into.servers : "database" in into ? [into.database] : [];
  for (const url of [...from, ...more]) {
    const { hostname } = dialectOf(url) !== "sqlite" && URL.canParse(url) ? new URL(url) : { hostname: "" };
    if (hostname === "" || /^%2f|^\[/i.test(hostname)) continue; // a file, a socket or an address
    await lookup(hostname).catch((error: { code?: string }) => {
      if (error.code === "ENOTFOUND") throw new RangeError(`the host ${quoted(hostname)} has no address`);
    });
  }
}
