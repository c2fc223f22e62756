import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killAll, listen, RUNTIMES, run } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const main = join(import.meta.dir, "../../src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "playcount-unix-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.entries(RUNTIMES))("on %s", (name, command) => {
  const socket = join(folder, `${name}.sock`);
  const program = [...command, main, "--host", `unix:${socket}`];
  const ask = async (path: string, method = "GET") => {
    const response = await fetch(`http://plays.example${path}`, { method, unix: socket });
    return `${response.status} ${await response.text()}`;
  };

  test("a server on a Unix socket answers every host, is checked, and removes the socket when it stops", async () => {
    const { url, process, ended } = await listen([...program, "--base-path", "/plays"]);
    expect(url).toBe(`unix:${socket}`);
    expect((statSync(socket).mode & 0o777).toString(8)).toBe("660");
    expect(await ask("/plays/song/a%20b?after=0", "POST")).toStartWith("400 ");
    expect(await ask("/plays/song/a%20b", "POST")).toBe("200 1");
    expect(await ask("/plays/")).toBe("200 a%20b=1");
    const check = await run([...program, "--base-path", "/plays", "--health-check"]);
    expect(check).toEqual({ status: 0, stdout: "", stderr: "" });
    process.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(socket)).toBe(false);
  });

  test("a server that was killed leaves its socket, and the next one replaces it, but not that of a living one", async () => {
    const first = await listen([...program, "--socket-mode", "600"]);
    expect((statSync(socket).mode & 0o777).toString(8)).toBe("600");
    first.process.kill("SIGKILL");
    await first.ended;
    expect(existsSync(socket)).toBe(true);
    await listen(program);
    const refused = {
      status: 1,
      stdout: "",
      stderr: `playcount: cannot listen on unix:${socket}: the file exists, and may be in use\n`,
    };
    expect(await run(program)).toEqual(refused);
    expect(await ask("/song/1", "POST")).toBe("200 1");
    await killAll();
    rmSync(socket);
    writeFileSync(socket, "no socket");
    expect(await run(program)).toEqual(refused);
    expect(await Bun.file(socket).text()).toBe("no socket");
    rmSync(socket);
  });

  test("a socket that every user can open is warned of, without a token", async () => {
    const { process, ended } = await listen([...program, "--socket-mode", "666"]);
    process.kill("SIGTERM");
    const warning = `every client that reaches unix:${socket} can clear all counts`;
    expect((await ended).stderr).toStartWith(`playcount: warning: ${warning}; `);
  });

  test.skipIf(name === "node")("an open socket is refused, as only Node takes it over", async () => {
    const stderr = "playcount: --host fd:3 requires Node, which alone takes over an open socket\n";
    expect(await run([...command, main, "--host", "fd:3"])).toEqual({ status: 2, stdout: "", stderr });
  });

  test("a socket takes one worker", async () => {
    const stderr = `playcount: --host unix:${socket} takes 1 worker, not 2\n`;
    expect(await run([...program, "--workers", "2"])).toEqual({ status: 2, stdout: "", stderr });
  });
});

/** Opens a port, as systemd does, starts the server with it as descriptor 3, and passes the signal on. */
const ACTIVATOR = `const handle = require("node:net")._createServerHandle("127.0.0.1", 0, 4);
const address = {};
handle.getsockname(address);
const [main] = process.argv.slice(1);
const stdio = ["ignore", "pipe", "inherit", handle.fd];
const child = require("node:child_process").spawn(process.execPath, [main, "--host", "fd:3"], { stdio });
child.stdout.once("data", () => console.log("http://127.0.0.1:" + address.port + "/ "));
child.on("exit", (status) => process.exit(status));
process.on("SIGTERM", () => child.kill());
`;

test("a server on Node serves a socket that is open already", async () => {
  const { url, process, ended } = await listen([...RUNTIMES.node, "-e", ACTIVATOR, main]);
  expect(await (await fetch(`${url}song/1`, { method: "POST" })).text()).toBe("1");
  process.kill("SIGTERM");
  const { status, stderr } = await ended;
  expect(status).toBe(0);
  expect(stderr).toStartWith("playcount: warning: every client that reaches fd:3 can clear all counts; ");
});
