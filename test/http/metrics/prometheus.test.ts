import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHandler, ShardedStore } from "../../../src/mod.ts";
import { findProgram, lacks } from "../../support/extent.ts";

/** Runs promtool, and returns its status and its errors. */
function promtool(words: readonly string[], stdin: string): { status: number | null; stderr: string } {
  const program = findProgram("promtool") as string;
  const { exitCode, stderr } = Bun.spawnSync([program, ...words], { stdin: Buffer.from(stdin) });
  return { status: exitCode, stderr: stderr.toString() };
}

/** Returns the metrics of a server that has all of them, in the older text format or in OpenMetrics. */
async function metrics(accept = "*/*"): Promise<string> {
  const handle = createHandler(new ShardedStore());
  const ask = async (path: string, method = "GET") =>
    (await handle(new Request(`http://localhost${path}`, { method, headers: { accept } }))).text();
  await ask("/song/1", "POST");
  for (const fold of [1, 2]) await ask(`/folds/${fold}`, "PUT");
  await ask("/folds/1", "DELETE");
  return await ask("/metrics");
}

describe.skipIf(lacks("promtool"))("Prometheus' promtool", () => {
  test("finds nothing to improve in names, types, units and help", async () => {
    const text = await metrics();
    expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, stderr: "" });
    expect(promtool(["check", "metrics"], text.replace(/^# HELP .*\n/m, "")).status).not.toBe(0);
  });

  test("reads the text as OpenMetrics", async () => {
    const read = (text: string) =>
      // It wants the time of each sample.
      withFile(text.replaceAll(/^[^#].*$/gm, "$& 1700000000"), (file) =>
        promtool(["tsdb", "create-blocks-from", "openmetrics", file, `${file}-blocks`], ""),
      );
    const text = await metrics("application/openmetrics-text");
    expect(await read(text)).toEqual({ status: 0, stderr: "" });
    expect((await read(text.replace("# EOF\n", ""))).status).not.toBe(0);
  });
});

/** Calls `act` with a file that holds `text`. */
async function withFile<T>(text: string, act: (file: string) => T): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "playcount-metrics-"));
  try {
    await Bun.write(join(folder, "file"), text);
    return act(join(folder, "file"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
