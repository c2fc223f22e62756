import { expect, test } from "bun:test";
import { join } from "node:path";
import process from "node:process";
import { run } from "../support/process.ts";

test("the types of a browser that the scripts use are those of the compiler's library", async () => {
  const config = join(import.meta.dir, "../portable/browser.json");
  const { stdout, status } = await run([process.execPath, "check", "--no-script", "-p", config]);
  expect([stdout, status]).toEqual(["", 0]);
});
