import type { CountClientOptions } from "../../client/options.ts";
import { Placement } from "../../client/placement.ts";
import { ServerClient } from "../../client/server-client.ts";
import type { Database } from "../../fold/sql/database.ts";
import { databaseOf, dialectOf } from "../../fold/sql/dialects.ts";
import { SqlTarget } from "../../fold/sql/sql-target.ts";
import { ServerTarget } from "../../fold/server-target.ts";
import type { Target } from "../../fold/target.ts";
import type { FoldSettings } from "./arguments.ts";
import { CommandTarget } from "./command-target.ts";
import { connect } from "./connect.ts";

type DatabaseSettings = Pick<FoldSettings, "into" | "names" | "password" | "ca" | "lockSeconds">;

/** Opens the database of the settings. @throws {RangeError} if they have none. */
export function databaseFor({ into, names, lockSeconds, ...access }: DatabaseSettings): Database {
  const dialect = "database" in into ? dialectOf(into.database) : undefined;
  if (!("database" in into) || dialect === undefined) throw new RangeError("--into names no database");
  return databaseOf(dialect, connect(into.database, access), names, lockSeconds);
}

/** Opens the target of the settings. */
export function openTarget(
  settings: FoldSettings,
  serverOptions: CountClientOptions,
  signal: AbortSignal,
  log: (line: string) => void,
): Target {
  const { into, names, toToken } = settings;
  if ("command" in into) return new CommandTarget(into.command, names.name, signal);
  if ("servers" in into) {
    const client = new ServerClient({ ...serverOptions, token: toToken });
    return new ServerTarget(new Placement(into.servers), client, signal);
  }
  return new SqlTarget(databaseFor(settings), { ...settings, signal, log });
}
