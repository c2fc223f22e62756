import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SEED } from "../support/random.ts";
import { FLAWS } from "./flaws.ts";
import { SITUATIONS } from "./situations.ts";
import { torture } from "./torture.ts";

// Kills the program repeatedly under load. `bun run torture --kills 5000` does so for longer.

setDefaultTimeout(300_000);

const KILLS = 100;
const CLIENTS = 32;

/** Situations where a flaw does most harm, and kills that almost certainly find it. */
const HARMFUL = ["under load", "while it seals and acknowledges"];
const KILLS_TO_FIND = 40;

const root = mkdtempSync(join(tmpdir(), "playcount-torture-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("After kills at any moment no acknowledged play is lost, none is counted twice, and folds are unchanged", async () => {
  const report = await torture({ folder: join(root, "sound"), seed: SEED, kills: KILLS, clients: CLIENTS });
  expect(report.findings).toEqual([]);
  // Each round has had some load.
  expect(Object.keys(report.rounds).sort()).toEqual(Object.keys(SITUATIONS).sort());
  expect(report.acknowledged / KILLS).toBeGreaterThan(100);
  expect(report.unknown / KILLS).toBeGreaterThan(5);
  for (const [what, often] of Object.entries(report.happened))
    expect(often, what).toBeGreaterThan(KILLS * 0.2);
});

describe("The test detects", () => {
  test.each(Object.entries(FLAWS))("%s", async (name, [flaw, wanted]) => {
    const folder = join(root, name.replace(/\W+/g, "-"));
    const report = await torture({
      folder,
      seed: SEED,
      kills: KILLS_TO_FIND,
      clients: CLIENTS,
      situations: HARMFUL,
      flaw,
    });
    expect(`${report.findings.join("\n")}\n`).toMatch(wanted);
  });
});
