import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import process from "node:process";
import { Connection, isWhole } from "../support/connection.ts";
import { freePort } from "../support/ports.ts";
import { killAll, type Listening, listen, RUNTIMES } from "../support/process.ts";
import { bun, main } from "../support/folding.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const PROGRAMS = [
  ...Object.entries(RUNTIMES).map(([name, command]) => [name, [...command, main]] as const),
  ["Bun with 2 workers", [...bun, "--workers", "2"]] as const,
];

describe.each(PROGRAMS)("on %s", (name, program) => {
  test("a server that drains is unhealthy, takes connections, and closes each after its answer", async () => {
    const server = await listen([...program, "--port", "0", "--drain-seconds", "3600"]);
    const kept = await Connection.to(server.url);
    kept.send(request("POST /song/1"));
    expect(await kept.read(isWhole)).toMatch(/^HTTP\/1.1 200 (?!.*\r\nconnection: close\r\n).*\r\n\r\n1$/is);
    server.process.kill("SIGTERM");
    await becomesUnhealthy(server);
    expect((await fetch(`${server.url}health/live`)).status).toBe(200);
    let count = 1;
    for (const connection of [kept, await Connection.to(server.url)]) {
      // Workers hear of it one after the other.
      for (let answer: string | false = ""; !/\r\nconnection: close\r\n/i.test(answer);) {
        connection.send(request("POST /song/1"));
        answer = (await connection.read(isWhole)) || "closed";
        expect(answer).toMatch(new RegExp(`^HTTP/1.1 200 .*\\r\\n\\r\\n${++count}$`, "is"));
      }
      if (name !== "deno") expect(await connection.readToEnd()).toBe("");
      connection.destroy();
    }
    await Bun.sleep(250); // a signal that comes with the first counts as the first
    server.process.kill("SIGTERM");
    expect(await server.ended).toMatchObject({ status: 1 });
  });

  test("a server that has drained stops, and says so", async () => {
    const server = await listen([...program, "--port", "0", "--drain-seconds", "1"]);
    server.process.kill("SIGTERM");
    await becomesUnhealthy(server);
    const { status, stdout, stderr } = await server.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("\nplaycount: stops, after it has drained for 1 s (SIGTERM)\n");
    expect(stdout).toEndWith("\nplaycount: stopped; the counts were in memory only, and are gone\n");
  });

  test("SIGUSR1 and SIGUSR2 change nothing, and SIGHUP stops as SIGTERM does", async () => {
    const server = await listen([...program, "--port", "0"]);
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) server.process.kill(signal);
    expect((await fetch(`${server.url}health`)).status).toBe(200);
    server.process.kill("SIGHUP");
    const { status, stdout, stderr } = await server.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("\nplaycount: stops (SIGHUP)\n");
  });

  test("a server whose output nobody reads stops cleanly", async () => {
    const child = Bun.spawn([...program, "--port", "0"], { stdout: "pipe", stderr: "pipe" });
    const reader = child.stdout.getReader();
    for (let text = ""; !text.includes("listens on");) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`It ended: ${text}`);
      text += new TextDecoder().decode(value);
    }
    await Promise.all([reader.cancel(), child.stderr.cancel()]);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("a server whose log has a full disk serves, and stops cleanly", async () => {
    const port = await freePort();
    const command = [
      "sh",
      "-c",
      'exec "$@" >/dev/full 2>/dev/full',
      "sh",
      ...program,
      "--port",
      String(port),
    ];
    const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
    const url = `http://127.0.0.1:${port}/song/1`;
    const play = () => fetch(url, { method: "POST" }).then((answer) => answer.text());
    let count = "";
    while (count === "" && child.exitCode === null)
      count = await play().catch(() => Bun.sleep(20).then(() => ""));
    expect(count).toBe("1");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("a server ends when the npm that started it has ended", async () => {
    const server = await launch(program, "npm_lifecycle_event=start ");
    server.process.kill("SIGKILL");
    const { stdout } = await server.ended; // when the server has closed its output
    expect(stdout).toContain("\nplaycount: stops (the npm that started it has ended)\n");
    expect(stdout).toEndWith("\nplaycount: stopped; the counts were in memory only, and are gone\n");
  });
});

test("a server that stops already goes on to stop when the npm that started it has ended", async () => {
  let printed = "";
  const server = await launch(
    [...bun, "--drain-seconds", "3"],
    "npm_lifecycle_event=start ",
    (text) => (printed += text),
  );
  process.kill(Number(/pid (\d+)/.exec(printed)?.[1]), "SIGTERM");
  await becomesUnhealthy(server);
  server.process.kill("SIGKILL");
  const { stdout, stderr } = await server.ended;
  expect(stderr).toBe("");
  expect(stdout).toContain("(SIGTERM)\nplaycount: stopped;");
});

test("a server goes on when a shell that started it has ended", async () => {
  let printed = "";
  const server = await launch(bun, "", (text) => (printed += text));
  server.process.kill("SIGKILL");
  await server.process.exited;
  await Bun.sleep(2500); // more than the server takes to look for npm
  expect((await fetch(`${server.url}health`)).status).toBe(200);
  process.kill(Number(/pid (\d+)/.exec(printed)?.[1]), "SIGTERM");
  expect((await server.ended).stdout).toContain("\nplaycount: stops (SIGTERM)\n");
});

test("a server that was started with SIGHUP ignored, as by nohup, survives SIGHUP", async () => {
  const server = await listen(["sh", "-c", 'trap "" HUP; exec "$@"', "sh", ...bun, "--port", "0"]);
  server.process.kill("SIGHUP");
  expect((await fetch(`${server.url}health`)).status).toBe(200);
  server.process.kill("SIGTERM");
  expect((await server.ended).stdout).toContain("\nplaycount: stops (SIGTERM)\n");
});

function request(line: string): string {
  return `${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

async function becomesUnhealthy(server: Listening): Promise<void> {
  for (let status = 200; status !== 503;) {
    const connection = await Connection.to(server.url);
    connection.send(request("GET /health"));
    const answer = await connection.read(isWhole);
    status = Number(/^HTTP\/1.1 (\d+)/.exec(answer || "")?.[1]);
    connection.destroy();
  }
}

/** Starts a server from a shell, which prints its process id and stays its parent. */
async function launch(
  program: readonly string[],
  setting: string,
  onText?: (text: string) => void,
): Promise<Listening> {
  const script = `${setting} "$@" & echo "pid $!"; wait`;
  const shell = ["env", "-u", "npm_lifecycle_event", "sh", "-c", script, "sh"];
  return await listen([...shell, ...program, "--port", "0"], {}, undefined, onText);
}
