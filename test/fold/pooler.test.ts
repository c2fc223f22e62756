import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, lacks } from "../support/extent.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../store/redis/support/until.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { as, PostgresServer, query } from "./support/databases.ts";
import { Ledger, runJob } from "./support/jobs.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

const server = new PostgresServer("postgres");
const isSkipped = server.isMissing || lacks("pgbouncer");
const folder = mkdtempSync(join(tmpdir(), "playcount-pooler-"));
let pooler: Bun.Subprocess | undefined;
let [direct, pooled] = ["", ""];

if (!isSkipped) {
  beforeAll(async () => {
    await server.start();
    direct = await server.create();
    const url = new URL(direct);
    const port = await freePort();
    const file = join(folder, "pgbouncer.ini");
    const settings = [
      `[databases]\n* = host=127.0.0.1 port=${url.port}\n[pgbouncer]`,
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =`,
      `auth_type = trust\nauth_file = ${join(folder, "users")}`,
      // Two connections for all clients: each transaction may run on either.
      "pool_mode = transaction\ndefault_pool_size = 2\nserver_round_robin = 1\n",
    ];
    writeFileSync(file, settings.join("\n"));
    writeFileSync(join(folder, "users"), '"app" ""\n');
    chmodSync(folder, 0o755);
    const command = as("postgres", [findProgram("pgbouncer") ?? "pgbouncer", "--quiet", file]);
    pooler = Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] });
    url.port = String(port);
    pooled = url.href;
    await until("PgBouncer", async () => (await query(pooled, "SELECT 1 AS one")).length === 1);
  });
  afterAll(async () => {
    pooler?.kill();
    await pooler?.exited;
    await server.stop();
  });
}
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(isSkipped)(
  "jobs through PgBouncer, which gives each transaction any connection, store each play once",
  async () => {
    const songs = Array.from({ length: 100 }, (_, n): [string, number] => [`song ${n}`, 1 + (n % 3)]);
    await query(direct, "CREATE TABLE song (id text PRIMARY KEY, plays bigint)");
    await query(
      direct,
      `INSERT INTO song VALUES ${songs
        .slice(10)
        .map(([id]) => `('${id}', 0)`)
        .join(", ")}`,
    );
    const servers = [servePlaycount()];
    const ledger = new Ledger(servers);
    for (let round = 0; round < 5; round++) {
      await ledger.play(songs);
      const jobs = [1, 2, 3].map(() =>
        runJob({ url: pooled, servers, target: { partSongs: 7 } }).catch(() => {}),
      );
      await Promise.all(jobs);
      expect(
        await ledger.wrongPages(
          pooled,
          songs.slice(10, 20).map(([id]) => id),
        ),
      ).toEqual([]);
    }
    await runJob({ url: pooled, servers });
    const rows = [
      ...(await query(direct, "SELECT id, plays FROM song")),
      ...(await query(direct, "SELECT id, plays FROM playcount_unknown")),
    ];
    expect(new Map(rows.map((row) => [String(row["id"]), Number(row["plays"])]))).toEqual(ledger.plays);
  },
);
