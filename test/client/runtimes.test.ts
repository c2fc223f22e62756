import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { killAll, RUNTIMES, run } from "../support/process.ts";
import { serveBytes, servePlaycount, stopAll } from "../support/servers.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);
afterEach(killAll);

const program = join(import.meta.dir, "../support/client.ts");

test.each(Object.entries(RUNTIMES))("the client does the same on %s", async (_name, command) => {
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
