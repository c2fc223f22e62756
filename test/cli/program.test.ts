import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { help } from "../../src/cli/command-line.ts";
import { VERSION } from "../../src/version.ts";
import { killAll, listen, RUNTIMES, run } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const main = join(import.meta.dir, "../../src/main.ts");

/** Returns the output of `--version` on a runtime. */
function versionOf(name: string): string {
  const { bun, deno, node } = manifest.devDependencies;
  const runtime = { bun: `Bun ${bun}`, deno: `Deno ${deno}`, node: `Node ${node}` }[name];
  return `${VERSION} (${runtime}, ${process.platform} ${process.arch})`;
}

describe.each(Object.entries(RUNTIMES))("on %s", (name, command) => {
  const program = [...command, main];

  test("--help and --version write to stdout and exit with 0", async () => {
    expect(await run([...program, "--help"])).toEqual({ status: 0, stdout: `${help()}\n`, stderr: "" });
    expect(await run([...program, "--version"])).toEqual({
      status: 0,
      stdout: `${versionOf(name)}\n`,
      stderr: "",
    });
  });

  test.each([
    [["--prot", "8000"], {}, 'unknown option "--prot"; did you mean --port? see --help'],
    [["--port"], {}, "--port needs a value"],
    [["--port", "80x"], {}, '--port must be a whole number from 0 to 65535, not "80x"'],
    [["8000"], {}, 'unexpected argument "8000"; see --help'],
    [[], { PLAYCOUNT_PORT: "x" }, 'PLAYCOUNT_PORT must be a whole number from 0 to 65535, not "x"'],
  ] as const)("%j with %j is one line on stderr, and status 2", async (args, environment, message) => {
    const ended = await run([...program, ...args], environment);
    expect(ended).toEqual({ status: 2, stdout: "", stderr: `playcount: ${message}\n` });
  });

  test("one line states the URL, which answers", async () => {
    const { url, process, ended } = await listen([...program, "--port", "0"]);
    const answer = await fetch(`${url}song/1`, { method: "POST" });
    expect(await answer.text()).toBe("1");
    process.kill("SIGTERM");
    expect(await ended).toEqual({
      status: 0,
      stdout: `playcount: counts in memory only; --data DIR keeps them
playcount ${VERSION} listens on ${url}
playcount: stops (SIGTERM)
playcount: stopped; the counts were in memory only, and are gone
`,
      stderr: "",
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  test("a variable that is ignored is named on stderr, without its value", async () => {
    const environment = { PLAYCOUNT_PORT: "tcp://10.0.0.1:8000", PLAYCOUNT_TOKENS: "canary" };
    const { process, ended } = await listen([...program, "--port", "0"], environment);
    process.kill("SIGTERM");
    const { status, stderr } = await ended;
    expect(status).toBe(0);
    expect(stderr.split("\n").sort()).toEqual([
      "",
      "playcount: PLAYCOUNT_PORT is ignored: it is the address of a Kubernetes Service; enableServiceLinks: false leaves it out of the pod",
      "playcount: PLAYCOUNT_TOKENS is unknown and ignored; did you mean PLAYCOUNT_TOKEN?",
    ]);
  });

  test("flags and environment reach the server; a flag wins", async () => {
    const environment = { PLAYCOUNT_PORT: "1", PLAYCOUNT_RESOURCE: "video", PLAYCOUNT_MAX_SONGS: "" };
    const { url } = await listen([...program, "--port", "0", "--base-path", "/plays"], environment);
    expect(url).toMatch(/:\d+\/plays\/$/);
    expect(await (await fetch(`${url}video/1`, { method: "POST" })).text()).toBe("1");
    expect((await fetch(`${url}song/1`)).status).toBe(404);
  });

  test("it listens on an IPv6 address, in brackets", async () => {
    const { url } = await listen([...program, "--host", "::1", "--port", "0"]);
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    expect((await fetch(`${url}health`)).status).toBe(200);
  });

  test("the health check reaches a server that serves other host names only", async () => {
    const names = { PLAYCOUNT_ALLOWED_HOSTS: "plays.example.com" };
    const { url } = await listen([...program, "--port", "0"], names);
    expect((await fetch(`${url}song/1`)).status).toBe(403);
    const check = [...program, "--port", new URL(url).port, "--health-check"];
    expect(await run(check, names)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a warning says that every client can clear, beyond loopback and without a token", async () => {
    const everywhere = [...program, "--host", "0.0.0.0", "--port", "0"];
    for (const [environment, warning] of [
      [
        {},
        "playcount: warning: every client that reaches 0.0.0.0 can clear all counts; set PLAYCOUNT_TOKEN, or listen on 127.0.0.1\n",
      ],
      [{ PLAYCOUNT_TOKEN: "canary-token" }, ""],
    ] as const) {
      const { url, process, ended } = await listen(everywhere, environment);
      const clear = await fetch(url.replace("0.0.0.0", "127.0.0.1"), {
        method: "DELETE",
        headers: { authorization: "Bearer canary-tokem" },
      });
      expect(clear.status).toBe(warning === "" ? 401 : 200);
      expect(await clear.text()).not.toContain("canary");
      process.kill("SIGTERM");
      const { status, stdout, stderr } = await ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: warning });
      expect(stdout).not.toContain("canary");
    }
  });

  test("a host that is not a loopback name is refused on a loopback address", async () => {
    const { url } = await listen([...program, "--port", "0"]);
    const ask = async (host: string) => (await fetch(url, { headers: { host } })).status;
    for (const host of ["localhost", "a.localhost:1", "127.0.0.1", "[::1]:80"])
      expect(await ask(host)).toBe(200);
    expect(await ask("evil.test")).toBe(403);
  });

  test.each(["127.1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])(
    "%s is a loopback address, whose host check needs no warning",
    async (host) => {
      const { url, process, ended } = await listen([...program, "--host", host, "--port", "0"]);
      const ask = async (host: string) => (await fetch(url, { headers: { host } })).status;
      expect((await fetch(url)).status).toBe(200);
      for (const name of ["localhost", "LOCALHOST.:1", "127.1", "[0::1]"]) expect(await ask(name)).toBe(200);
      expect(await ask("evil.test")).toBe(403);
      process.kill("SIGTERM");
      expect(await ended).toMatchObject({ status: 0, stderr: "" });
    },
  );

  test("a port in use is one line on stderr, and status 1", async () => {
    const { url } = await listen([...program, "--port", "0"]);
    const { port } = new URL(url);
    const second = await run([...program, "--port", port]);
    expect(second).toEqual({
      status: 1,
      stdout: "",
      stderr: `playcount: cannot listen on 127.0.0.1:${port}: the port is in use\n`,
    });
    expect((await fetch(`${url}health`)).status).toBe(200);
  });

  test.each([
    ["a host that cannot be resolved", `${"a".repeat(70)}.example`],
    ["an address of another machine", "192.0.2.1"],
  ])("%s is one line on stderr that names it, and status 1", async (_what, host) => {
    const { status, stdout, stderr } = await run([...program, "--host", host, "--port", "0"]);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toStartWith(`playcount: cannot listen on ${host}:0: `);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).not.toContain("taken");
  });
});
