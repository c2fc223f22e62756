import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FoldJob } from "../../faults/fold-job.ts";
import { Players } from "../../faults/players.ts";
import { rounds } from "../../support/extent.ts";
import { PlayLedger } from "../../support/play-ledger.ts";
import { killAll } from "../../support/process.ts";
import { Random } from "../../support/random.ts";
import { serveCounter } from "../../support/workerd.ts";

setDefaultTimeout(300_000);

const root = mkdtempSync(join(tmpdir(), "playcount-object-"));
afterEach(killAll);
afterAll(() => rmSync(root, { recursive: true }));

const KILLS = rounds(50, 4);
const CLIENTS = 16;
const LONGEST_MS = 300;

/** Kills a counter under load again and again, and returns the faults. `folder` names that of each start. */
async function kill(
  kills: number,
  folder: (start: number) => string,
  ledger: PlayLedger = new PlayLedger(),
): Promise<string[]> {
  const random = new Random("kills of an object");
  const players = new Players(ledger, random);
  const job = new FoldJob(ledger, random);
  for (let kill = 0; ; kill++) {
    const { url, process, ended } = await serveCounter(join(root, folder(kill)));
    await players.retryKeyed(url);
    await job.resume(url);
    const faults = await ledger.faults(url);
    if (faults.length > 0 || kill === kills) return faults;
    const load = Promise.all([players.play(url, CLIENTS), job.run(url)]);
    await Bun.sleep(random.below(LONGEST_MS));
    process.kill("SIGKILL");
    await Promise.all([load, ended]);
  }
}

test("After kills at any moment no acknowledged play is lost, and none is counted twice", async () => {
  const ledger = new PlayLedger();
  expect(await kill(KILLS, () => "data", ledger)).toEqual([]);
  expect(ledger.count(200)).toBeGreaterThan(KILLS);
  expect(ledger.count(0)).toBeGreaterThan(KILLS);
});

test("The test detects losses: with a new folder for each start it finds some", async () => {
  expect((await kill(2, (start) => `data-${start}`)).join()).toContain("lost");
});
