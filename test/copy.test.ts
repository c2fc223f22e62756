import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { CountClient } from "../src/client.ts";
import { copyHelp } from "../src/copy/arguments.ts";
import { newFolder, removeAll } from "./durable/folders.ts";
import { Random } from "./random.ts";
import { killAll, listen, RUNTIMES, run } from "./support/process.ts";
import { servePlaycount, stopAll } from "./support/servers.ts";

setDefaultTimeout(120_000);
afterEach(killAll);
afterEach(stopAll);
afterAll(removeAll);

const main = join(import.meta.dir, "../src/main.ts");
const bun = [...RUNTIMES.bun, main];
const PATIENT = { timeoutMs: 60_000, retries: 10 };

/** A server in a process of its own, in memory or with a folder, that can be killed and started anew at the same URL. */
class Server {
  readonly #folder: string | undefined;
  #running: Awaited<ReturnType<typeof listen>> | undefined;
  url = "";

  constructor(folder?: string) {
    this.#folder = folder;
  }

  async start(...flags: string[]): Promise<string> {
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const data = this.#folder === undefined ? [] : ["--data", this.#folder];
    this.#running = await listen([...bun, "--port", port, ...data, ...flags]);
    this.url = this.#running.url;
    return this.url;
  }

  async kill(): Promise<void> {
    this.#running?.process.kill("SIGKILL");
    await this.#running?.ended;
  }
}

function copyCommand(from: readonly string[], to: readonly string[]): string[] {
  return ["copy", "--from", from.join(","), "--to", to.join(",")];
}

/** Runs `playcount copy`, and kills it after a while if it has not ended. */
async function copyKilled(command: readonly string[], afterMs: number): Promise<void> {
  const child = Bun.spawn([...bun, ...command], { stdout: "ignore", stderr: "ignore" });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await child.exited;
  clearTimeout(timer);
}

function songs(count: number, plays: number = 1): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n): [string, number] => [`song ${n}`, (n % 9) + plays]));
}

function add(ledger: Map<string, number>, plays: ReadonlyMap<string, number>): void {
  for (const [id, more] of plays) ledger.set(id, (ledger.get(id) ?? 0) + more);
}

async function expectPlaced(servers: readonly string[], counts: ReadonlyMap<string, number>): Promise<void> {
  const client = new CountClient(servers, PATIENT);
  const found = await client.getAllPlayCounts();
  expect(found.size).toBe(counts.size);
  expect([...counts].filter(([id, plays]) => found.get(id) !== plays)).toEqual([]);
  for (const server of servers.map((url) => url.replace(/\/*$/, "/"))) {
    const own = await new CountClient(server, PATIENT).getAllPlayCounts();
    expect([...own.keys()].filter((id) => client.serverOf(id) !== server)).toEqual([]);
  }
}

/** Plays on servers until it is told to stop; what was answered is in the ledger. */
function play(servers: readonly string[], ledger: Map<string, number>): () => Promise<void> {
  const client = new CountClient(servers, PATIENT);
  let isOver = false;
  const playing = (async () => {
    for (let n = 0; !isOver; n++) {
      const ids = [`song ${n % 20_000}`, `song ${(n * 7919) % 20_000}`, `late ${n % 100}`];
      await Promise.all(ids.map((id) => client.incrementPlayCount(id)));
      for (const id of ids) add(ledger, new Map([[id, 1]]));
    }
  })();
  return async () => {
    isOver = true;
    await playing;
  };
}

async function foldsOf(url: string): Promise<string> {
  return await (await fetch(`${url}folds`)).text();
}

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
          `^moved ${what} from 1 server to 2 servers in \\d+\\.\\d s\\nOnce all clients .*\\nA batch job .* above fold \\d{13}\\.\\n$`,
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
      stderr: `playcount: POST ${next}/batch failed: 401 Unauthorized: A bearer token is needed; to go on: playcount ${args.join(" ")}\n`,
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
  test("loses and doubles no play of two servers that become three, played on all along, however often it is killed", async () => {
    const random = new Random("copy");
    const servers = [new Server(), new Server(newFolder()), new Server(newFolder())];
    const urls = await Promise.all(servers.map((server) => server.start()));
    const two = urls.slice(0, 2);
    const ledger = songs(60_000);
    await new CountClient(two, PATIENT).addPlays(ledger);
    const stop = play(two, ledger);
    const command = copyCommand(two, urls);
    let broken = 0;
    for (let time = 0; time < 25; time++) {
      await copyKilled(command, 50 + random.below(900));
      if ((await Promise.all(two.map(foldsOf))).some((folds) => folds !== "")) broken++;
    }
    await stop();
    expect((await run([...bun, ...command])).status).toBe(0);
    await expectPlaced(urls, ledger);
    expect(broken).toBeGreaterThan(0);
  });

  test("moves what a durable server has that is killed itself, and is as another one then", async () => {
    const random = new Random("copy from");
    const [source, target] = [new Server(newFolder()), new Server(newFolder())];
    const command = copyCommand([await source.start()], [await target.start()]);
    const ledger = new Map<string, number>();
    let broken = 0;
    for (let time = 0; time < 5; time++) {
      const plays = songs(60_000, time);
      await new CountClient(source.url, PATIENT).addPlays(plays);
      add(ledger, plays);
      for (let kill = 0; kill < 2; kill++) {
        await copyKilled(command, 150 + random.below(250));
        if ((await foldsOf(source.url)) !== "") broken++;
        for (const server of random.pick([[source], [target], [source, target]])) {
          await server.kill();
          await server.start();
        }
      }
      const copying = run([...bun, ...command]);
      await Bun.sleep(random.below(400));
      await source.kill(); // while it is asked
      await source.start();
      await copying;
    }
    expect((await run([...bun, ...command])).status).toBe(0);
    await expectPlaced([target.url], ledger);
    expect(await (await fetch(source.url)).text()).toBe("");
    expect(broken).toBeGreaterThan(0);
  });

  test("fails where there is no room, and goes on when there is", async () => {
    const [source, target] = [new Server(), new Server(newFolder())];
    const args = copyCommand([await source.start()], [await target.start("--max-songs", "12000")]);
    await new CountClient(source.url, PATIENT).addPlays(songs(20_000));
    const full = await run([...bun, ...args]);
    expect(full).toEqual({
      status: 1,
      stdout: "",
      stderr: `playcount: POST ${target.url}batch failed: 507 Insufficient Storage: There is room for 12000 songs; to go on: playcount ${args.join(" ")}\n`,
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
      `playcount: Fold 17 of ${source}/ was not sealed in order to be moved: whoever sealed it must acknowledge it`,
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
      `playcount: Fold 18 of ${source}/ is on its way to other servers: end that first, with the lists that it was begun with; nothing is lost\n`,
    );
    expect(await new CountClient([source, other]).getAllPlayCounts()).toEqual(songs(8));
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
      `playcount: stopped, as asked; nothing is lost; to go on: playcount ${args.join(" ")}\n`,
    ]);
    expect((await run([...bun, ...args])).status).toBe(0);
    await expectPlaced([target.url], songs(80_000));
  });
});
