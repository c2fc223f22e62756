import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SEED } from "../support/random.ts";
import { FLAWS } from "./flaws.ts";
import { SITUATIONS } from "./situations.ts";
import { torture } from "./torture.ts";

// The program is killed again and again while clients are at it; `bun run torture --kills 5000` goes on for
// longer.

setDefaultTimeout(300_000);

const KILLS = 100;
const CLIENTS = 32;

/** Where a flaw does most harm, and how many kills it takes at most to be as good as sure to find it. */
const HARMFUL = ["under load", "while it seals and acknowledges"];
const KILLS_TO_FIND = 40;

const root = mkdtempSync(join(tmpdir(), "playcount-torture-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("However it is killed, no play that was answered is lost, none is counted twice, and folds are what they were", async () => {
  const report = await torture({ folder: join(root, "sound"), seed: SEED, kills: KILLS, clients: CLIENTS });
  expect(report.findings).toEqual([]);
  // Something does happen in each round.
  expect(Object.keys(report.rounds).sort()).toEqual(Object.keys(SITUATIONS).sort());
  expect(report.acknowledged / KILLS).toBeGreaterThan(100);
  expect(report.unknown / KILLS).toBeGreaterThan(5);
  for (const [what, often] of Object.entries(report.happened))
    expect(often, what).toBeGreaterThan(KILLS * 0.2);
});

describe("It does not go unnoticed if there are", () => {
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
