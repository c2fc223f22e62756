import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { run } from "../support/process.ts";
import { stopAll } from "../support/servers.ts";
import { examplesOf } from "./support/examples.ts";
import { PageRun } from "./support/page-run.ts";
import { createProject } from "./support/programs.ts";

setDefaultTimeout(60_000);

const EXAMPLES = examplesOf();

let project: string;

beforeAll(async () => {
  project = await createProject();
});

afterAll(async () => {
  await stopAll();
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
