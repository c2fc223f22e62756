import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CountClient } from "../../../src/client/client.ts";
import { copyHelp } from "../../../src/cli/copy/arguments.ts";
import { newFolder, removeAll } from "../../store/durable/folders.ts";
import {
  bun,
  copyCommand,
  expectPlaced,
  foldsOf,
  main,
  PATIENT,
  Server,
  songs,
} from "../../support/copying.ts";
import { killAll, RUNTIMES, run } from "../../support/process.ts";
import { servePlaycount, stopAll } from "../../support/servers.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterEach(stopAll);
afterAll(removeAll);

describe.each(Object.entries(RUNTIMES))("copy on %s", (_name, command) => {
  const program = [...command, main];

  test("moves counts, says how many on stdout, and has nothing left to move then", async () => {
    const [old, first, second] = [servePlaycount({ token: "old" }), servePlaycount(), servePlaycount()];
    const plays = new Map([
      ["a/b ä🎵", 1234],
      ["b", 1],
    ]);
    await new CountClient(old, { token: "old" }).addPlays(plays);
    const copy = () => run([...program, ...copyCommand([old], [first, second])], { PLAYCOUNT_TOKEN: "old" });
    for (const what of ["1,235 plays of 2 songs", "0 plays of 0 songs"]) {
      const { status, stdout, stderr } = await copy();
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(
        new RegExp(
          `^moved ${what} from 1 server to 2 servers in \\d+\\.\\d s\\nWhen all clients .*\\nA job .* above fold \\d{13}\\.\\n$`,
        ),
      );
    }
    await expectPlaced([first, second], plays);
    expect(await (await fetch(old)).text()).toBe("");
  });

  test("needs a token where servers do, and says how to go on", async () => {
    const [old, next] = [servePlaycount(), servePlaycount({ token: "canary" })];
    const args = copyCommand([old], [next]);
    expect(await run([...program, ...args])).toEqual({
      status: 1,
      stdout: "",
      stderr: `playcount: POST ${next}/batch failed: 401 Unauthorized: This request requires a bearer token; to continue: playcount ${args.join(" ")}\n`,
    });
    expect((await run([...program, ...args], { PLAYCOUNT_TO_TOKEN: "canary" })).status).toBe(0);
  });

  test("has a help, and ends with status 2 where it does not understand", async () => {
    expect(await run([...program, "copy", "--help"])).toEqual({
      status: 0,
      stdout: `${copyHelp()}\n`,
      stderr: "",
    });
    expect(await run([...program, "copy", "--from", "http://a"])).toEqual({
      status: 2,
      stdout: "",
      stderr: "playcount: --to is missing: copy needs --from URL and --to URL\n",
    });
  });
});

describe("copy", () => {
  test("fails where there is no room, and goes on when there is", async () => {
    const [source, target] = [new Server(), new Server(newFolder())];
    const args = copyCommand([await source.start()], [await target.start("--max-songs", "12000")]);
    await new CountClient(source.url, PATIENT).addPlays(songs(20_000));
    const full = await run([...bun, ...args]);
    expect(full).toEqual({
      status: 1,
      stdout: "",
      stderr: `playcount: POST ${target.url}batch failed: 507 No room for a new song: The limit of 12000 songs is reached; to continue: playcount ${args.join(" ")}\n`,
    });
    await target.kill();
    await target.start("--max-songs", "20000");
    expect((await run([...bun, ...args])).status).toBe(0);
    await expectPlaced([target.url], songs(20_000));
  });

  test("refuses to pass over a batch job's fold, and other lists than it was begun with", async () => {
    const [source, target] = [servePlaycount(), servePlaycount({ maxSongs: 5 })];
    await new CountClient(source).addPlays(songs(9));
    await fetch(`${source}/folds/17`, { method: "PUT" });
    const copy = (to: string, ...flags: string[]) => run([...bun, ...copyCommand([source], [to]), ...flags]);
    expect((await copy(target)).stderr).toStartWith(
      `playcount: Fold 17 of ${source}/ was not sealed by this move: its own job must acknowledge it`,
    );
    await fetch(`${source}/folds/17`, { method: "DELETE" });
    await new CountClient(source).addPlays(songs(8));
    expect((await copy(target, "--fold", "17")).stdout).toStartWith("moved 0 plays");
    expect(await copy(target, "--fold", "16")).toEqual({
      status: 1,
      stdout: "",
      stderr: `playcount: Fold 16 must be above 17, the newest of ${source}/; give a higher number by --fold\n`,
    });
    expect((await copy(target, "--fold", "18")).stderr).toContain("failed: 507");
    const other = servePlaycount();
    expect((await copy(other)).stderr).toBe(
      `playcount: Fold 18 of ${source}/ is being moved to other servers: finish that move first, with its own lists; see copy --help\n`,
    );
    expect(await new CountClient([source, other]).getAllPlayCounts()).toEqual(songs(8));
  });

  test("says at once which server does not answer, and asks it again before it fails", async () => {
    const source = servePlaycount();
    const dead = new Server();
    const target = await dead.start();
    await dead.kill();
    const { status, stderr } = await run([...bun, ...copyCommand([source], [target])]);
    expect(status).toBe(1);
    expect(stderr.split("\n")).toEqual([
      `${new URL(target).origin} does not answer; it is asked up to 5 times more`,
      expect.stringContaining(`playcount: POST ${target}batch failed: `),
      "",
    ]);
  });

  test("stops when it is asked to, says how to go on, and does", async () => {
    const [source, target] = [new Server(), new Server(newFolder())];
    await source.start();
    await target.start();
    await new CountClient(source.url, PATIENT).addPlays(songs(80_000));
    const args = copyCommand([source.url], [target.url]);
    const child = Bun.spawn([...bun, ...args], { stdout: "pipe", stderr: "pipe" });
    while ((await foldsOf(source.url)) === "") await Bun.sleep(1);
    child.kill("SIGINT");
    expect([await child.exited, await child.stdout.text(), await child.stderr.text()]).toEqual([
      1,
      "",
      `playcount: stopped by a signal; no play is lost; to continue: playcount ${args.join(" ")}\n`,
    ]);
    expect((await run([...bun, ...args])).status).toBe(0);
    await expectPlaced([target.url], songs(80_000));
  });
});
