import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Connection, isWhole } from "../support/connection.ts";
import { type Ended, killAll, listen, RUNTIMES, run } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const main = join(import.meta.dir, "../../src/main.ts");
const crashing = join(import.meta.dir, "../support/crashing-workers.ts");
const PLAY = "POST /song/1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Sends a request on a new connection, which the system passes to any of the workers. */
async function ask(url: string, path: string, method: string): Promise<{ worker: string; body: string }> {
  const { hostname } = new URL(url);
  const connection = await Connection.to(url);
  connection.send(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  const answer = (await connection.read(isWhole)) || "";
  connection.destroy();
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { worker: /\r\nx-worker: (\d)/i.exec(head)?.[1] ?? "", body };
}

const startCrashing = () => listen([...RUNTIMES.bun, crashing]);

describe("Workers", () => {
  test("report the sum of their metrics, whichever answers", async () => {
    const { url } = await listen([...RUNTIMES.bun, main, "--port", "0", "--workers", "3"]);
    for (let play = 0; play < 100; play++) await ask(url, "/song/1", "POST");
    for (let turn = 0; turn < 10; turn++) {
      const { body } = await ask(url, "/metrics", "GET");
      expect(body).toContain('playcount_requests_total{route="/song/{id}",method="POST",status="200"} 100\n');
      expect(body).toContain("\nplaycount_plays_total 100\n");
      expect(body).toContain("\nplaycount_workers 3\n");
      expect(body).toContain("\nplaycount_worker_deaths_total 0\n");
    }
  });

  test("share one port and one store", async () => {
    const { url } = await startCrashing();
    const workers = new Set<string>();
    for (let play = 1; play <= 100; play++) {
      const { worker, body } = await ask(url, "/song/1", "POST");
      expect(body).toBe(String(play));
      workers.add(worker);
    }
    expect([...workers].sort()).toEqual(["1", "2", "3"]);
    expect((await ask(url, "/", "GET")).body).toBe("1=100");
    expect((await ask(url, "/", "DELETE")).body).toBe("OK");
    for (let turn = 0; turn < 10; turn++) expect((await ask(url, "/song/1", "GET")).body).toBe("0");
  });

  test.each(["/die", "/die-in-clear"])(
    "that die at %s are replaced without blocking others or losing counts, and the log says so",
    async (path) => {
      const { url, process, ended } = await startCrashing();
      for (let play = 1; play <= 50; play++) await ask(url, "/song/1", "POST");
      for (let death = 0; death < 3; death++) {
        await Promise.race([ask(url, path, "POST"), Bun.sleep(500)]);
        for (let play = 0; play < 10; play++) {
          const { body } = await answered(url);
          expect(Number(body)).toBe(50 + death * 10 + play + 1);
        }
      }
      await everyWorker(url);
      process.kill("SIGTERM");
      const { status, stdout, stderr } = await ended;
      expect(status).toBe(0);
      expect(stdout).toEndWith("counted 80\n");
      const deaths = stderr.match(
        /^playcount: worker \d died and is replaced; no count is lost: (?:error: asked to|it ended)$/gm,
      );
      expect(deaths?.length, stderr).toBe(3);
    },
  );

  test("that are stopped answer every play that they have counted", async () => {
    const { url, process, ended } = await startCrashing();
    let answered = 0;
    const clients = Array.from({ length: 20 }, async () => {
      const connection = await Connection.to(url);
      for (;;) {
        connection.send(PLAY);
        const answer = await connection.read(isWhole);
        if (answer === false) return connection.received;
        if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
        answered++;
        if (answered === 1000) process.kill("SIGTERM");
      }
    });
    expect((await Promise.all(clients)).join("")).toBe("");
    expect(await ended).toMatchObject({ status: 0, stderr: "" });
    expect((await ended).stdout).toEndWith(`counted ${answered}\n`);
    expect(answered).toBeGreaterThanOrEqual(1000);
  });
});

describe("--workers", () => {
  const program = [...RUNTIMES.bun, main];

  test.each(["2", "auto"])("%s counts exactly, and stops with status 0", async (workers) => {
    const { url, process, ended } = await listen([...program, "--workers", workers, "--port", "0"]);
    const counts = await Promise.all(Array.from({ length: 200 }, () => ask(url, "/song/1", "POST")));
    const sorted = counts.map(({ body }) => Number(body)).sort((a, b) => a - b);
    expect(sorted).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    process.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 0, stderr: "" });
  });

  test("do not share their port with another program", async () => {
    const first = await listen([...program, "--workers", "2", "--port", "0"]);
    const { port } = new URL(first.url);
    for (const workers of ["1", "2"]) {
      const second = await run([...program, "--workers", workers, "--port", port]);
      const stderr = `playcount: cannot listen on 127.0.0.1:${port}: the port is in use\n`;
      expect(second).toEqual({ status: 1, stdout: "", stderr });
    }
  });

  test("do not share their port with a program that starts at the same moment", async () => {
    const { port } = new URL((await listen([...program, "--port", "0"])).url);
    await killAll();
    const programs = Array.from({ length: 4 }, () => run([...program, "--workers", "2", "--port", port]));
    const failed: Ended[] = [];
    for (const ended of programs) ended.then((end) => failed.push(end));
    while (failed.length < 3) await Bun.sleep(20);
    expect(failed.map(({ status }) => status)).toEqual([1, 1, 1]);
    while (!(await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok) await Bun.sleep(10);
    expect(failed).toHaveLength(3);
  });

  test("above 1 is refused on other runtimes than Bun", async () => {
    for (const command of [RUNTIMES.node, RUNTIMES.deno]) {
      const stderr =
        "playcount: more than 1 worker requires Bun; start the program by bun, or by bunx --bun playcount\n";
      expect(await run([...command, main, "--workers", "2"])).toEqual({ status: 2, stdout: "", stderr });
    }
  });

  test("auto is 1 on other runtimes than Bun", async () => {
    const { url } = await listen([...RUNTIMES.node, main, "--workers", "auto", "--port", "0"]);
    expect((await ask(url, "/song/1", "POST")).body).toBe("1");
  });
});

/** Plays until a play is answered: the connection to a worker that has died may break. */
async function answered(url: string): Promise<{ worker: string; body: string }> {
  for (;;) {
    const answer = await ask(url, "/song/1", "POST").catch(() => undefined);
    if (answer !== undefined && answer.body !== "") return answer;
  }
}

/** Waits until each of the workers has answered. */
async function everyWorker(url: string): Promise<void> {
  for (const workers = new Set<string>(); workers.size < 3; await Bun.sleep(10)) {
    const { worker } = await ask(url, "/health", "GET").catch(() => ({ worker: "" }));
    if (worker !== "") workers.add(worker);
  }
}
