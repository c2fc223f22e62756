import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { CommandTarget } from "../../../src/cli/fold/command-target.ts";
import { FoldSongs } from "../../../src/fold/songs.ts";
import { SetAside } from "../../../src/fold/target.ts";
import { sqlOf, storeOf } from "../../docs/support/hand-over.ts";
import { PostgresServer, query } from "../../fold/support/databases.ts";
import { Ledger } from "../../fold/support/jobs.ts";
import { until } from "../../store/redis/support/until.ts";
import { rounds } from "../../support/extent.ts";
import { bun, startTime } from "../../support/folding.ts";
import { killAll } from "../../support/process.ts";
import { Random } from "../../support/random.ts";
import { servePlaycount, stopAll } from "../../support/servers.ts";

setDefaultTimeout(300_000);
const folder = mkdtempSync(join(tmpdir(), "playcount-exec-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);
afterEach(stopAll);

const SONGS = Array.from({ length: 20_000 }, (_, n): [string, number] => [`${n}`, 1 + (n % 3)]);

/** Starts a job whose files are in `folder`. */
function start(server: string, command: string): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  const environment = { ...process.env, TMPDIR: folder };
  return Bun.spawn([...bun, "fold", "--from", server, "--exec", command], {
    stdout: "pipe",
    env: environment,
  });
}

/** Returns the programs that a program has started, and theirs. */
function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return []; // it has ended
  }
}

test.each(["SIGKILL", "SIGTERM"] as const)(
  "a command gets all songs although the job gets %s at its start",
  async (signal) => {
    const server = servePlaycount();
    for (let at = 0; at < SONGS.length; at += 5000)
      await new Ledger([server]).play(SONGS.slice(at, at + 5000));
    const [begun, done] = [`${folder}/begun ${signal}`, `${folder}/done ${signal}`];
    const job = start(
      server,
      `stat -Lc %a - > '${begun}'; sleep 0.5; wc -l > '${done}.tmp'; mv '${done}.tmp' '${done}'`,
    );
    await until("the command has begun", () => existsSync(begun));
    expect(readdirSync(folder).filter((name) => name.startsWith("playcount-fold"))).toEqual([]);
    job.kill(signal);
    await until("the command has ended", () => existsSync(done));
    expect([Number(readFileSync(done, "utf8")), readFileSync(begun, "utf8")]).toEqual([
      SONGS.length,
      "600\n",
    ]);
    const status = await job.exited;
    if (signal === "SIGKILL") return;
    expect([status, await job.stdout.text()]).toEqual([
      0,
      expect.stringContaining("handed over 39,999 plays"),
    ]);
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  },
);

test("a file that cannot be written to its end takes no room after that", async () => {
  const songs = new FoldSongs();
  songs.add("1", 1);
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  songs.parts = function* () {
    yield { songs: [["1", 1]], start: 0, isLast: false };
    throw new Error("the disk is full");
  };
  const target = new CommandTarget("cat", "a");
  const fold = { fold: 1, sealedAt: 0, songs, setAside: new SetAside(), onProgress: () => {} };
  for (let run = 0; run < 20; run++) await expect(target.store(fold)).rejects.toThrow("the disk is full");
  expect(open()).toBeLessThan(before + 20);
});

test("the printed command for ClickHouse stores a whole fold or none, and none without songs", async () => {
  const [command = "", script = ""] = storeOf("sh");
  const programs = mkdtempSync(join(folder, "bin"));
  const write = (name: string, text: string) =>
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  writeFileSync(`${folder}/store.sh`, script);
  write("clickhouse-client", `echo "$*" >>'${folder}/inserted'; cat >>'${folder}/inserted'`);
  const inserted = () => (existsSync(`${folder}/inserted`) ? readFileSync(`${folder}/inserted`, "utf8") : "");
  const server = servePlaycount();
  const store = async () =>
    await start(server, `cd '${folder}'; PATH='${programs}':$PATH; ${command}`).exited;
  expect([await store(), inserted()]).toEqual([0, ""]);
  await new Ledger([server]).play(SONGS.slice(0, 3));
  write("jq", "head -1; exit 5"); // the first line, and then a failure
  expect([await store(), inserted()]).toEqual([1, ""]);
  rmSync(join(programs, "jq"));
  if (Bun.which("jq") === null) return;
  const fold = await (await fetch(`${server}/folds`)).text();
  expect(await store()).toBe(0);
  const [words, ...lines] = inserted().trim().split("\n");
  expect(words).toBe(`--insert_deduplication_token=${fold} -q INSERT INTO plays FORMAT JSONEachRow`);
  expect(lines).toEqual([0, 1, 2].map((n) => `{"id":"${n}","plays":${n + 1},"fold":${fold}}`));
});

const database = new PostgresServer("postgres");

(database.isMissing ? describe.skip : describe)("The printed command for psql", () => {
  beforeAll(() => database.start());
  afterAll(() => database.stop());

  test("may use the printed tables, which hold numbers of folds", async () => {
    const url = await database.create();
    for (const statement of sqlOf().tables.split(";\n").filter(Boolean)) await query(url, statement);
    await query(url, `UPDATE last_fold SET number = ${Date.now()}`);
    await query(url, "INSERT INTO song VALUES ('1', 5000000000)");
  });

  test("stores each play once, however often it and the job are killed", async () => {
    const random = new Random("exec");
    const url = await database.create();
    await query(url, "CREATE TABLE song (id text PRIMARY KEY, plays bigint)");
    await query(url, "INSERT INTO song VALUES ('1', NULL), ('2', 0)");
    const [command = "", script = ""] = storeOf("psql");
    writeFileSync(`${folder}/store.sql`, script);
    const words = command.replace("psql music", `cd ${folder}; psql ${url}`);
    const server = servePlaycount();
    const ledger = new Ledger([server]);
    let broken = 0;
    for (let round = 0; round < rounds(30, 4) || broken === 0; round++) {
      await ledger.play(SONGS.slice(0, 5000));
      await ledger.play([[random.pick(["'", '"', "\\", "\u2028", "é"]), 1]]);
      const job = start(server, words);
      await Bun.sleep((await startTime()) * 5 * random.next());
      const programs = random.pick([[job.pid], descendants(job.pid), [job.pid, ...descendants(job.pid)]]);
      for (const pid of programs) tryKill(pid);
      await Bun.sleep(random.below(100));
      await job.exited; // its command may go on beside the next one
      if ((await (await fetch(`${server}/folds`)).text()) !== "") broken++;
    }
    const refused = await fetch(`${server}/song/%00`, { method: "POST" }); // PostgreSQL has no such text
    expect(refused.status).toBe(400);
    await ledger.play([["\\u0000", 7]]);
    expect(await start(server, words).exited).toBe(0);
    const stored = await query(url, "SELECT id, plays FROM song");
    expect(new Map(stored.map((row) => [String(row["id"]), Number(row["plays"])]))).toEqual(ledger.plays);
  });
});

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
