import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { VERSION } from "../../src/version.ts";
import { killAll, listen, RUNTIMES, run } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const main = join(import.meta.dir, "../../src/main.ts");

/** Parses each line of a log. */
function linesOf(log: string): Record<string, unknown>[] {
  return log
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const PROGRAMS = [
  ...Object.entries(RUNTIMES).map(([name, command]) => [name, [...command, main]] as const),
  ["Bun with 2 workers", [...RUNTIMES.bun, main, "--workers", "2"]] as const,
];

describe.each(PROGRAMS)("on %s", (_name, command) => {
  const program = [...command, "--port", "0", "--log", "json"];

  test("the log is JSON, an object a line, with the requests among its lines if the flag is set", async () => {
    const { url, process, ended } = await listen([...program, "--access-log"], { PLAYCOUNT_TOKENS: "x" });
    await fetch(`${url}song/a%20b?after=x`, { method: "POST" });
    await fetch(`${url}song/7`, { method: "POST" });
    await fetch(`${url}nothing`);
    process.kill("SIGTERM");
    const { status, stdout, stderr } = await ended;
    expect(status).toBe(0);
    const lines = linesOf(stdout);
    for (const { time } of lines) expect(new Date(String(time)).toISOString()).toBe(String(time));
    const messages = lines.filter(({ message }) => message !== undefined);
    expect(messages.map(({ level, message }) => [level, message])).toEqual([
      ["info", "counts in memory only; --data DIR keeps them"],
      ["info", `playcount ${VERSION} listens on ${url}`],
      ["info", "stops (SIGTERM)"],
      ["info", "stopped; the counts were in memory only, and are gone"],
    ]);
    const requests = lines.filter(({ path }) => path !== undefined);
    const common = { time: expect.any(String), level: "info", ms: expect.any(Number) };
    const sorted = requests.toSorted((a, b) => Number(a["status"]) - Number(b["status"]));
    expect(sorted).toEqual([
      { ...common, method: "POST", path: "/song/7", status: 200 },
      { ...common, method: "POST", path: "/song/a%20b?after=x", status: 400 },
      { ...common, method: "GET", path: "/nothing", status: 404 },
    ]);
    expect(linesOf(stderr)).toEqual([
      {
        time: expect.any(String),
        level: "error",
        message: "PLAYCOUNT_TOKENS is unknown and ignored; did you mean PLAYCOUNT_TOKEN?",
      },
    ]);
  });

  test("a warning has its level, and an error of the start is a line of JSON", async () => {
    const { process, ended } = await listen([...program, "--host", "0.0.0.0"]);
    process.kill("SIGTERM");
    const [warning] = linesOf((await ended).stderr);
    expect(warning).toMatchObject({ level: "warning" });
    expect(warning?.["message"]).toStartWith("every client that reaches 0.0.0.0 can clear all counts");
    const { status, stderr } = await run([...program, "--host", "192.0.2.1"]);
    expect(status).toBe(1);
    expect(linesOf(stderr)).toMatchObject([{ level: "error" }]);
  });
});

describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
  test("requests are lines of text with --access-log, and nothing is coloured even if colours are forced", async () => {
    const environment = { FORCE_COLOR: "3", CLICOLOR_FORCE: "1", PLAYCOUNT_ACCESS_LOG: "true" };
    const { url, process, ended } = await listen([...command, main, "--port", "0"], environment);
    await fetch(`${url}song/%C3%A9`, { method: "POST" });
    process.kill("SIGTERM");
    const { stdout } = await ended;
    expect(stdout).toMatch(/^playcount: POST \/song\/%C3%A9 200 [\d.]+ ms$/m);
    expect(stdout).not.toContain("\u001b");
  });

  test.if(_name !== "bun")("--store is refused with the status of other invalid settings", async () => {
    const { status, stderr } = await run([...command, main, "--store", "redis://localhost"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^playcount: --store requires Bun; start the program by bun, [^\n]+\n$/);
  });
});
