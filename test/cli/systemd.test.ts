import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { dlopen, ptr } from "bun:ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { killAll, listen, RUNTIMES } from "../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);

const main = join(import.meta.dir, "../../src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "playcount-systemd-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Opens a socket of datagrams, as systemd does, and returns a function that receives the next one. */
function openSupervisor(name: string): () => Promise<string> {
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    bind: { args: ["int", "ptr", "u32"], returns: "int" },
    recv: { args: ["int", "ptr", "usize", "int"], returns: "i64" },
  });
  const address = new Uint8Array([1, 0, ...new TextEncoder().encode(name.replace(/^@/, "\0"))]);
  const socket = symbols.socket(1, 2, 0);
  if (symbols.bind(socket, ptr(address), address.length) !== 0) throw new Error(`cannot bind ${name}`);
  const dontWait = 0x40;
  return async () => {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const length = Number(symbols.recv(socket, ptr(bytes), bytes.length, dontWait));
      if (length >= 0) return new TextDecoder().decode(bytes.subarray(0, length));
      await Bun.sleep(10);
    }
  };
}

test.each([
  ["a path", join(folder, "notify")],
  ["an abstract name", `@playcount-${process.pid}`],
])(
  "on Bun the server tells its supervisor that it is ready and that it stops, by %s",
  async (_what, name) => {
    const receive = openSupervisor(name);
    const server = await listen([...RUNTIMES.bun, main, "--port", "0"], { NOTIFY_SOCKET: name });
    expect(await receive()).toBe("READY=1");
    server.process.kill("SIGTERM");
    expect(await receive()).toBe("STOPPING=1");
    expect(await server.ended).toMatchObject({ status: 0, stderr: "" });
  },
);

test.each([
  ["Deno", RUNTIMES.deno],
  ["Node", RUNTIMES.node],
])("on %s a line says that the supervisor cannot be told", async (_name, command) => {
  const server = await listen([...command, main, "--port", "0"], { NOTIFY_SOCKET: "/nowhere" });
  server.process.kill("SIGTERM");
  const { stderr } = await server.ended;
  expect(stderr).toStartWith("playcount: NOTIFY_SOCKET is ignored: it requires Bun\n");
});
