import { afterAll, afterEach, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, RUNTIMES, run } from "../../support/process.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

setDefaultTimeout(300_000);

const main = join(import.meta.dir, "../../../src/main.ts");
const folder = mkdtempSync(join(tmpdir(), "playcount-compiled-"));
afterEach(stopEverything);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

testWithRedis("The compiled program has the Lua scripts in it", async () => {
  const program = join(folder, "playcount");
  const [bun] = RUNTIMES.bun as [string];
  const { status, stderr } = await run([bun, "build", "--compile", "--outfile", program, main]);
  expect(status, stderr).toBe(0);
  const { address } = await RedisServer.start();
  const { url } = await listen([program, "--port", "0", "--store", `redis://${address}`], {}, folder);
  for (const count of ["1", "2"])
    expect(await (await fetch(`${url}song/1`, { method: "POST" })).text()).toBe(count);
});
