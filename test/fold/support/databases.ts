import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { connect } from "../../../src/cli/fold/connect.ts";
import type { SqlResult } from "../../../src/fold/sql/client.ts";
import { Database, type TableNames } from "../../../src/fold/sql/database.ts";
import { type DialectName, dialectOf } from "../../../src/fold/sql/dialects.ts";
import { findProgram, isQuick, lacks } from "../../support/extent.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../store/redis/support/until.ts";

/** A server of databases, or a folder of SQLite files, for tests. */
export interface TestDatabase {
  readonly name: string;
  readonly dialect: DialectName;
  readonly isMissing: boolean;
  start(): Promise<void>;
  /** Kills the server, with no time to end. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Makes an empty database, and returns its URL. Its files are in `folder`. Default: in one of its own. */
  create(folder?: string): Promise<string>;
}

const IS_ROOT = process.getuid?.() === 0;

/** Runs a command as the user that the packages of Debian create: neither server runs as root. */
export function as(user: string, command: readonly string[]): string[] {
  return IS_ROOT
    ? ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", ...command]
    : [...command];
}

async function runToEnd(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${await child.stderr.text()}`);
}

/** A server with a folder and a port of its own, on loopback. */
abstract class Server implements TestDatabase {
  abstract readonly name: string;
  abstract readonly dialect: DialectName;
  abstract readonly isMissing: boolean;
  readonly user: string;
  #folder = "";
  port = 0;
  #process: Bun.Subprocess | undefined;
  #databases = 0;

  constructor(user: string) {
    this.user = user;
  }

  get folder(): string {
    return this.#folder;
  }

  async start(): Promise<void> {
    if (this.#folder === "") {
      this.#folder = mkdtempSync(join(tmpdir(), "playcount-sql-"));
      if (IS_ROOT) await runToEnd(["chown", this.user, this.#folder]);
      this.port = await freePort();
      await runToEnd(as(this.user, this.initCommand));
    }
    await until(`${this.name} on port ${this.port}`, async () => {
      // Processes of a server that was killed keep a new one from starting for a moment.
      if (this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null)
        this.#process = Bun.spawn(as(this.user, this.serveCommand), {
          stdio: ["ignore", "ignore", "ignore"],
        });
      await query(this.adminUrl, "SELECT 1 AS one");
      return true;
    });
  }

  async kill(): Promise<void> {
    // The server is the child itself, as setpriv executes it.
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = ""; // another test file may start it again
  }

  async create(folder?: string): Promise<string> {
    const name = `music${++this.#databases}`;
    if (folder !== undefined && IS_ROOT) await runToEnd(["chown", this.user, folder]);
    if (folder === undefined) await query(this.adminUrl, this.creationOf(name));
    else await this.createIn(folder, name);
    return this.urlOf(name);
  }

  get adminUrl(): string {
    return this.urlOf(this.adminDatabase);
  }

  abstract readonly adminDatabase: string;
  abstract readonly initCommand: readonly string[];
  abstract readonly serveCommand: readonly string[];
  abstract creationOf(name: string): string;
  protected abstract createIn(folder: string, name: string): Promise<void>;
  abstract urlOf(name: string): string;
}

/** A server of PostgreSQL. */
export class PostgresServer extends Server {
  readonly name = "PostgreSQL";
  readonly dialect = "postgres";
  readonly isMissing: boolean = lacks("postgres");
  readonly adminDatabase = "postgres";

  get initCommand(): readonly string[] {
    const options = ["--auth=trust", "--username=app", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
    return [findProgram("initdb") ?? "initdb", `--pgdata=${this.folder}/data`, ...options];
  }

  get serveCommand(): readonly string[] {
    const settings = ["fsync=off", "listen_addresses=127.0.0.1", "max_connections=40"];
    return [
      findProgram("postgres") ?? "postgres",
      ...["-D", `${this.folder}/data`, "-p", String(this.port), "-k", this.folder],
      ...settings.flatMap((setting) => ["-c", setting]),
    ];
  }

  creationOf(name: string): string {
    return `CREATE DATABASE ${name}`;
  }

  protected async createIn(folder: string, name: string): Promise<void> {
    await query(this.adminUrl, `CREATE TABLESPACE ${name} LOCATION '${folder}'`);
    await query(this.adminUrl, `CREATE DATABASE ${name} TABLESPACE ${name}`);
  }

  urlOf(name: string): string {
    return `postgres://app@127.0.0.1:${this.port}/${name}`;
  }
}

/** A server of MariaDB or MySQL. */
abstract class MySqlServer extends Server {
  readonly dialect = "mysql";
  readonly adminDatabase = "mysql";
  protected abstract readonly program: string;

  get serveCommand(): readonly string[] {
    return [
      ...[this.program, "--no-defaults", ...this.folders, `--socket=${this.folder}/socket`],
      ...[`--port=${this.port}`, "--bind-address=127.0.0.1", `--pid-file=${this.folder}/pid`],
      ...["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=128M", "--skip-name-resolve"],
    ];
  }

  /** A server that starts deletes the temporary tables in its folder: in /tmp those of the others too. */
  protected get folders(): readonly string[] {
    return [`--datadir=${this.folder}/data`, `--tmpdir=${this.folder}`];
  }

  creationOf(name: string): string {
    return `CREATE DATABASE ${name} CHARACTER SET utf8mb4`;
  }

  /** The folder of a database may be a link. */
  protected async createIn(folder: string, name: string): Promise<void> {
    await query(this.adminUrl, this.creationOf(name));
    rmSync(`${this.folder}/data/${name}`, { recursive: true });
    symlinkSync(folder, `${this.folder}/data/${name}`);
  }

  urlOf(name: string): string {
    return `mysql://root@127.0.0.1:${this.port}/${name}`;
  }
}

class MariaDbServer extends MySqlServer {
  readonly name = "MariaDB";
  readonly isMissing: boolean = lacks("mariadbd");

  protected get program(): string {
    return findProgram("mariadbd") ?? "mariadbd";
  }

  /** An account of 'root'@'127.0.0.1' exists beside that of the socket. */
  get initCommand(): readonly string[] {
    const options = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"];
    return ["mariadb-install-db", ...options, ...this.folders];
  }
}

/** MySQL itself, which Debian lacks. There `mysqld` is MariaDB. */
class OracleMySqlServer extends MySqlServer {
  readonly name = "MySQL";
  protected readonly program: string = findProgram("mysqld") ?? "";
  readonly isMissing: boolean =
    isQuick || this.program === "" || basename(realpathSync(this.program)) === "mariadbd";

  get initCommand(): readonly string[] {
    return [this.program, "--no-defaults", "--initialize-insecure", ...this.folders];
  }

  override get serveCommand(): readonly string[] {
    const account = "root@'127.0.0.1'";
    writeFileSync(
      `${this.folder}/accounts`,
      `CREATE USER IF NOT EXISTS ${account}; GRANT ALL ON *.* TO ${account} WITH GRANT OPTION;`,
    );
    const options = [
      "--mysqlx=OFF",
      "--local-infile=ON",
      "--secure-file-priv=NULL",
      `--init-file=${this.folder}/accounts`,
    ];
    return [...super.serveCommand, ...options];
  }
}

class SqliteFolder implements TestDatabase {
  readonly name = "SQLite";
  readonly dialect = "sqlite";
  readonly isMissing = false;
  #folder = "";
  #databases = 0;

  start(): Promise<void> {
    if (this.#folder === "") this.#folder = mkdtempSync(join(tmpdir(), "playcount-sqlite-"));
    return Promise.resolve();
  }

  async kill(): Promise<void> {}

  stop(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = "";
    return Promise.resolve();
  }

  async create(folder: string = this.#folder): Promise<string> {
    const file = join(folder, `${++this.#databases}.db`);
    const sql = new Bun.SQL(`sqlite:${file}`);
    await sql.unsafe("PRAGMA journal_mode = WAL");
    await sql.close();
    return `sqlite:${file}`;
  }
}

/** All databases, also those that are missing. */
export const DATABASES: readonly TestDatabase[] = [
  new PostgresServer("postgres"),
  new MariaDbServer("mysql"),
  new OracleMySqlServer("mysql"),
  new SqliteFolder(),
];

/** The databases that this machine has. */
export const INSTALLED: readonly TestDatabase[] = DATABASES.filter(({ isMissing }) => !isMissing);

/** Opens a database as the job does. */
export function openDatabase(url: string, names: Partial<TableNames> = {}, timeoutSeconds = 60): Database {
  const table = { table: "song", id: "id", plays: "plays", name: "song", ...names };
  return new Database(dialectOf(url) as DialectName, connect(url, {}), table, {
    lockSeconds: 2,
    timeoutSeconds,
  });
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, statement: string, values: unknown[] = []): Promise<SqlResult> {
  const { client } = openDatabase(url);
  try {
    return (await client.unsafe(statement, values)) as SqlResult;
  } finally {
    await client.close({ timeout: 0 });
  }
}
