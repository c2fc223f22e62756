import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bun } from "../../support/folding.ts";
import { type Ended, killAll, run } from "../../support/process.ts";
import { serveNoMore, servePlaycount, stopAll } from "../../support/servers.ts";

setDefaultTimeout(300_000);
const folder = mkdtempSync(join(tmpdir(), "playcount-fold-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);
afterEach(stopAll);

let [server, url, tables] = ["", "", 0];

async function ask(statement: string): Promise<Record<string, unknown>[]> {
  const sql = new Bun.SQL(url);
  const rows = await sql.unsafe(statement);
  await sql.close();
  return [...rows];
}

beforeEach(async () => {
  server = servePlaycount();
  url = `sqlite:${join(folder, `${++tables}.db`)}`;
  await ask("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
  await ask("INSERT INTO song VALUES ('1', 10), ('2', NULL)");
  await play("1=3,2=4");
});

async function play(batch: string): Promise<void> {
  await fetch(`${server}/batch`, { method: "POST", body: batch });
}

function fold(...flags: string[]): Promise<Ended> {
  return run([...bun, "fold", "--from", server, "--into", url, ...flags]);
}

describe("playcount fold", () => {
  test("stores the plays, says what it did, and exits with 3 only when a song is set aside for the first time", async () => {
    const first = await fold();
    expect(first.stdout).toMatch(/^handed over 7 plays of 2 songs as fold \d+ in \d+\.\d s\n$/);
    expect([first.status, first.stderr]).toEqual([0, ""]);
    expect(await ask("SELECT * FROM song")).toEqual([
      { id: "1", plays: 13 },
      { id: "2", plays: 4 },
    ]);
    await play("x=1");
    const second = await fold();
    expect(second.stdout).toMatch(
      /1 play of 1 song as fold \d+ in .* s; 1 play of 1 unknown song kept in playcount_unknown, such as "x"\n$/,
    );
    expect(second.status).toBe(3);
    await play("x=1");
    expect((await fold()).status).toBe(0);
  });

  test("says which songs it dropped, and how many of them it keeps after too many refusals", async () => {
    await ask("CREATE TABLE odd (id text PRIMARY KEY, plays bigint, CHECK (id NOT LIKE 'a%' OR plays < 1))");
    const bad = Array.from({ length: 400 }, (_, n) => `a${n}`);
    await ask(`INSERT INTO odd VALUES ${bad.map((id) => `('${id}', 0)`).join()}`);
    await play([...bad.map((id) => `${id}=1`), "y=2"].join());
    const { status, stdout } = await fold("--table", "odd", "--unknown", "drop");
    const kept = (await ask("SELECT id FROM playcount_unknown WHERE name = 'odd'")).length;
    expect(stdout).toContain(
      `; 409 plays of 403 unknown songs dropped, but for ${kept} songs kept in playcount_unknown, such as "`,
    );
    expect([status, kept > 1]).toEqual([3, true]);
  });

  test("says what it would do, seals nothing and changes nothing", async () => {
    const { status, stdout } = await fold("--dry-run");
    expect([status, stdout]).toEqual([0, "would hand over 7 plays of 2 songs; the last fold is 0\n"]);
    expect(await ask("SELECT plays FROM song")).toEqual([{ plays: 10 }, { plays: null }]);
    expect(await ask("SELECT name FROM sqlite_master WHERE name LIKE 'playcount%'")).toEqual([]);
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });

  test("prints the statement of a page, and the tables", async () => {
    const sql = await fold("--print-sql");
    expect(sql.stdout).toMatch(
      /^SELECT coalesce\(s\."plays", 0\) \+ .* AS plays, CASE .* AS fold FROM \(SELECT \? AS id\) p JOIN "song" s .*;\n$/,
    );
    expect((await fold("--print-schema", "--history", "h")).stdout).toMatch(
      /CREATE TABLE IF NOT EXISTS "h" \(/,
    );
  });

  test("names what is wrong in one line, and exits with 2", async () => {
    const mistakes: [string[], RegExp][] = [
      [["--table", "songs"], /^playcount: the database has no table "songs": see --table\n$/],
      [["--plays", "x"], /^playcount: "song" has no column "x": see --plays\n$/],
      [["--print-sql", "--ca", "x"], /^playcount: --ca is for a database with a server, not for SQLite\n$/],
    ];
    for (const [flags, line] of mistakes) {
      const { status, stderr } = await fold(...flags);
      expect([status, line.test(stderr)], stderr).toEqual([2, true]);
    }
    const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<html>") });
    const host = `${"x".repeat(64)}.invalid`; // no name has such a part
    const none = await run([...bun, "fold", "--from", server, "--into", `postgres://a:b@${host}/c`]);
    expect([none.status, none.stderr]).toEqual([2, `playcount: the host "${host}" has no address\n`]);
    const foreign = await run([...bun, "fold", "--from", web.url.origin, "--into", url]);
    expect(foreign.status).toBe(2);
    expect(foreign.stderr).toMatch(
      /is not a play counter, .*: its answer has no Fold header; nothing is lost\n$/,
    );
    await web.stop(true);
    const missing = await run([...bun, "fold", "--from", server, "--into", `sqlite:${folder}/none.db`]);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/^playcount: .*unable to open database file \(14\)\n$/);
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });

  test("loses nothing while a server or the database is down, and exits with 1", async () => {
    const away = await run([...bun, "fold", "--from", `${server},${await serveNoMore()}`, "--into", url]);
    expect(away.status).toBe(1);
    expect(away.stderr).toMatch(
      /does not answer; it is asked up to 5 times more\n(?:.|\n)*nothing is lost: run it again\n$/,
    );
    const port = new URL(await serveNoMore()).port;
    const down = await run([
      ...bun,
      "fold",
      "--from",
      server,
      "--into",
      `postgres://a:secret@127.0.0.1:${port}/music`,
    ]);
    expect(down.status).toBe(1);
    expect(down.stderr).not.toContain("secret");
    expect(down.stderr).toMatch(
      /^playcount: "postgres:\/\/…@127\.0\.0\.1:\d+\/music": .*CONNECTION.*; nothing is lost: run it again\n$/,
    );
    await fold();
    expect(await ask("SELECT plays FROM song")).toEqual([{ plays: 13 }, { plays: 4 }]);
  });

  test("hands folds over again and again, and ends at a signal", async () => {
    const job = Bun.spawn([...bun, "fold", "--from", server, "--into", url, "--every", "1s"], {
      stdout: "pipe",
    });
    const lines = job.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let folds = 0, text = ""; folds < 3; folds = text.split("handed over").length - 1) {
      await play("1=1");
      text += (await lines.read()).value ?? "";
    }
    job.kill("SIGTERM");
    expect(await job.exited).toBe(0);
    await fold();
    const sum = await ask("SELECT sum(plays) AS plays FROM song");
    expect(sum).toEqual([{ plays: 20 }]);
  });

  test("begins again at once, and without a warning, after a run that took longer than its interval", async () => {
    const words = ["--from", server, "--exec", "sleep 1.1", "--every", "1s"];
    const job = Bun.spawn([...bun, "fold", ...words], { stdout: "pipe", stderr: "pipe" });
    const lines = job.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; text.split("handed over").length < 3;) text += (await lines.read()).value ?? "";
    job.kill("SIGTERM");
    expect(await job.exited).toBe(0);
    expect(await job.stderr.text()).toMatch(/^(?:playcount: .*\n)*$/);
  });

  test("gives a command one line for each song, and acknowledges the fold if that exits with 0", async () => {
    const out = `${folder}/out`;
    const job = (command: string) =>
      run([...bun, "fold", "--from", server, "--name", "a", "--exec", command]);
    const failed = await job("cat > /dev/null; exit 7");
    expect([failed.status, failed.stderr]).toEqual([
      1,
      "playcount: the command of --exec ended with status 7; nothing is lost: run it again\n",
    ]);
    await play("1=1");
    const done = await job(`(echo "$PLAYCOUNT_FOLD"; cat) >> ${out}`);
    expect(done.status).toBe(0);
    const [first, ...lines] = readFileSync(out, "utf8").trim().split("\n");
    expect(first).toBe(/as fold (\d+)/.exec(done.stdout)?.[1] as string);
    expect(lines[0]).toBe('{"id":"1","plays":3}');
    expect(lines[1]).toBe('{"id":"2","plays":4}');
    expect(lines.slice(3)).toEqual(['{"id":"1","plays":1}']); // what was counted since is the next fold
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });

  test("hands counts to one job alone, until the operator says otherwise", async () => {
    const job = (...flags: string[]) => run([...bun, "fold", "--from", server, ...flags]);
    expect((await fold()).status).toBe(0);
    const command = ["--exec", "cat >/dev/null"];
    for (const others of [command, ["--into", `sqlite:${folder}/second.db`]]) {
      if (others !== command)
        await new Bun.SQL(`sqlite:${folder}/second.db`).unsafe(
          "CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)",
        );
      const refused = await job(...others);
      expect([refused.status, refused.stdout]).toEqual([1, ""]);
      expect(refused.stderr).toMatch(
        /has sealed fold \d+, which another job has handed over.* Go on without it by --skip\n$/,
      );
    }
    expect((await job(...command, "--skip")).status).toBe(0);
    expect((await job(...command)).status).toBe(0);
    expect((await fold()).stderr).toContain("which another job has handed over");
    expect((await job("--exec", "cat >/dev/null; true")).stderr).toContain(
      "which another job has handed over",
    );
    expect((await job("--exec", "exit 7", "--name", "a", "--skip")).stderr).toContain("ended with status 7");
    const number = await (await fetch(`${server}/folds`)).text();
    expect((await job(...command)).stderr).toContain(`Store it by --adopt ${number}`);
    for (const adopt of [["--adopt", number], ["--adopt", number], []])
      expect(await job(...command, ...adopt)).toMatchObject({ status: 0, stderr: "" });
    expect((await job("--exec", "exit 7", "--name", "a", "--skip")).stderr).toContain("ended with status 7");
    expect((await job(...command, "--name", "a")).status).toBe(0); // the command was mended
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });

  test("gives no command the fold of another one, whatever their names, and names the way back to it", async () => {
    const job = (command: string, ...flags: string[]) =>
      run([...bun, "fold", "--from", server, "--exec", command, ...flags]);
    const long = "n".repeat(300);
    for (const [name, other] of [
      ["\u00e4", "\u00f6"],
      [`${long}1`, `${long}2`],
      ["a ", "a"],
    ] as const) {
      expect((await job("exit 7", "--name", name, "--skip")).stderr).toContain("ended with status 7");
      const refused = await job("cat", "--name", other);
      expect([refused.status, refused.stdout]).toEqual([1, ""]);
      const [, found = ""] = /before a change, add --name '([^']+)'\. Store it by/.exec(refused.stderr) ?? [];
      const done = await job("cat", "--name", found);
      expect([done.status, done.stdout]).toEqual([0, expect.stringContaining('{"id":"1","plays":3}')]);
      await play("1=3");
    }
  });

  test("moves counts to other servers", async () => {
    const targets = [servePlaycount(), servePlaycount()];
    const { status, stdout } = await run([...bun, "fold", "--from", server, "--into", targets.join()]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^handed over 7 plays of 2 songs as fold \d+ in /);
    const moved = await Promise.all(targets.map((target) => fetch(target).then((answer) => answer.text())));
    expect(moved.join().split(",").filter(Boolean).sort()).toEqual(["1=3", "2=4"]);
    expect(await (await fetch(server)).text()).toBe("");
  });

  test("moves no song that a server refuses for good, and says so", async () => {
    const target = servePlaycount({ idPattern: "[1-9]" });
    await play("1=3,A1=5");
    const job = (...flags: string[]) => run([...bun, "fold", "--from", server, "--into", target, ...flags]);
    const refused = await job();
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(
      /found "A1=5", whose id does not match \[1-9\]\. Let the server .* out by --unknown drop\n$/,
    );
    const { status, stdout } = await job("--unknown", "drop");
    expect(stdout).toMatch(
      /^handed over 15 plays of 3 songs .*; 5 plays of 1 refused song dropped, such as "A1"\n/,
    );
    expect([status, await (await fetch(target)).text()]).toEqual([
      3,
      expect.stringMatching(/^(?:1=6,2=4|2=4,1=6)$/),
    ]);
    expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });
});
