import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import jsr from "../../jsr.json" with { type: "json" };
import { run } from "../support/process.ts";
import { stopAll as stopRedis } from "../store/redis/support/clean-up.ts";
import { stopAll } from "../support/servers.ts";
import { examplesOf } from "./support/examples.ts";
import { PageRun } from "./support/page-run.ts";
import { ROOT } from "./support/pages.ts";
import { createProject } from "./support/programs.ts";

setDefaultTimeout(300_000);

const EXAMPLES = examplesOf();

let project: string;

beforeAll(async () => {
  project = await createProject();
});

afterAll(async () => {
  await stopAll();
  await stopRedis();
  await rm(project, { recursive: true });
});

describe("The example in the comment runs, and has the values that it states, at", () => {
  test.each(EXAMPLES)("$place", async ({ place, program }) => {
    expect(program).not.toBe("");
    const page = new PageRun(project, place);
    const block = { language: "ts", text: program, line: 1, note: "" };
    await page.start([block]);
    await page.run(block);
  });
});

test("The examples have no type errors", async () => {
  for (const [at, { program }] of EXAMPLES.entries())
    await Bun.write(join(project, "types", `example-${at}.ts`), `${program}\nexport {};\n`);
  const checked = await run([process.execPath, "check", "--no-script"], {}, project);
  expect(checked.stdout).toBe("");
  expect(checked.status).toBe(0);
});

test("Every function and class that the package exports has an example", async () => {
  const missing: string[] = [];
  for (const entry of Object.values(jsr.exports)) {
    const values = (await import(join(ROOT, entry))) as Record<string, unknown>;
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== "function") continue;
      const declaration = new RegExp(
        `/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport (?:async )?(?:function|class) ${name}\\b`,
      );
      const text = readFileSync(declaringFile(join(ROOT, entry), name), "utf8");
      if (!declaration.exec(text)?.[1]?.includes("@example")) missing.push(`${entry}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
});

test("Every entry of the package begins with its documentation, which has an example", () => {
  for (const entry of Object.values(jsr.exports)) {
    const [, comment = ""] = /^\/\*\*([^]*?)\*\//.exec(readFileSync(join(ROOT, entry), "utf8")) ?? [];
    expect(comment, entry).toContain("@example");
    expect(comment, entry).toContain("@module");
  }
});

/** Returns the file that declares an exported name, following re-exports. */
function declaringFile(path: string, name: string): string {
  const text = readFileSync(path, "utf8");
  const from = new RegExp(`^export (?:type )?\\{[^}]*\\b${name}\\b[^}]*\\} from "([^"]+)"`, "m").exec(text);
  return from === null ? path : declaringFile(join(path, "..", from[1] as string), name);
}
