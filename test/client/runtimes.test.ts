import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import process from "node:process";
import { killAll, RUNTIMES, run } from "../support/process.ts";
import { serveBytes, servePlaycount, stopAll } from "../support/servers.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);
afterEach(killAll);

const CASES = [
  ...Object.entries(RUNTIMES).map(([name, command]) => [name, command, "client.ts"] as const),
  // Node's own fetch needs what is younger: package.test.ts runs the client on Node 20 instead.
  ["bun without what is younger than 2023", RUNTIMES.bun, "client-of-2023.ts"] as const,
  ["deno without what is younger than 2023", RUNTIMES.deno, "client-of-2023.ts"] as const,
];

test.each(CASES)("the client does the same on %s", async (_name, command, file) => {
  const program = join(import.meta.dir, "../support", file);
  const broken = await serveBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n");
  const servers = [servePlaycount(), servePlaycount(), broken];
  const { status, stdout, stderr } = await run([...command, program, ...servers]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    first: 1,
    second: 2,
    counts: { "a/b ä🎵": 2 },
    failed: `${broken}/`,
    aborted: "bored",
    after: 0,
  });
});

test("the client is compiled with the library of 2023", async () => {
  const config = join(import.meta.dir, "../portable/client.json");
  const { stdout, status } = await run([process.execPath, "check", "--no-script", "-p", config]);
  expect([stdout, status]).toEqual(["", 0]);
});
