import { existsSync } from "node:fs";
import { quoted } from "../../error-message.ts";
import { dialectOf } from "../../fold/sql/dialects.ts";
import type { SqlClient } from "../../fold/sql/client.ts";
import { BUN_ADVICE } from "../exit.ts";

/** Access to a database, besides its URL. */
export interface DatabaseAccess {
  password?: string | undefined;
  /** File with certificates of authorities. Default: those of the system. */
  ca?: string | undefined;
  connectSeconds?: number;
}

/**
 * Makes a client of `Bun.sql` with one connection, which is opened by the first statement.
 *
 * @throws {RangeError} for a URL without a database, or another runtime.
 */
export function connect(url: string, access: DatabaseAccess): SqlClient {
  if (!("Bun" in globalThis)) throw new RangeError(`--into a database requires Bun: ${BUN_ADVICE}`);
  const dialect = dialectOf(url);
  if (dialect === "sqlite")
    return new Bun.SQL(url.includes("?") ? url : `${url}?mode=rw`) as unknown as SqlClient;
  const { password, ca, connectSeconds = 10 } = access;
  const { hostname, pathname, searchParams } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  if (database === "") throw new RangeError("the URL of the database names no database: add /name to it");
  const socket = searchParams.get("socket") ?? searchParams.get("host") ?? searchParams.get("path");
  const isLocal = socket !== null || /^(?:localhost|127\..*|\[::1\]|%2f.*|)$/i.test(hostname);
  if (ca !== undefined && !existsSync(ca)) throw new RangeError(`--ca: no file ${quoted(ca)}`);
  // `tls: true` and `sslmode=require` would check no certificate.
  const isVerified = !isLocal && !searchParams.has("sslmode");
  const tls = ca !== undefined ? { caFile: ca } : isVerified && { rejectUnauthorized: true };
  return new Bun.SQL(dialect === "mysql" ? url.replace(/^mysql:/i, "mariadb:") : url, {
    max: 1,
    connectionTimeout: connectSeconds,
    database, // an option, because PGDATABASE and MYSQL_DATABASE win over the URL
    ...(password !== undefined && { password }),
    ...(tls !== false && { tls }),
    ...(dialect === "mysql"
      ? { foundRows: true }
      : { prepare: false, connection: { application_name: "playcount fold" } }),
  } as never) as unknown as SqlClient;
}
