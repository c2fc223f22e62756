import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rounds } from "../support/extent.ts";
import { SEED } from "../support/random.ts";
import { BROKEN, SOUND } from "./designs.ts";
import { type Outcome, simulate } from "./simulate.ts";

// Clients, workers, pages and batch jobs side by side: what docs/http.md and docs/hand-over.md say of
// retries, folds and pages, in any order of events and with any failure. `SEED=… bun test
// test/simulation.test.ts` begins with the run of that seed.

setDefaultTimeout(300_000);

const RUNS = rounds(100_000, 800);
const OTHER_RUNS = rounds(5000, 800);

/** The rarest fault shows in one run of 40, so that it is almost certain to show within these. */
const RUNS_TO_CATCH = 5_000;

const seedOf = (run: number) => (SEED + run) >>> 0;

describe.each(Object.entries(SOUND))("As it is, %s,", (name, [design, makeServers]) => {
  test("no play is lost or counted twice, and every total displayed is exact", () => {
    const all = { displayed: 0, gone: 0, plays: 0, folds: 0, crashes: 0 };
    const runs = name === "in shared memory" ? RUNS : OTHER_RUNS;
    let run = 0;
    for (; run < runs || (all.gone === 0 && run < 10 * runs); run++) {
      const outcome = simulate(seedOf(run), design, makeServers);
      if (outcome.wrong.length > 0) throw new Error(`SEED=${seedOf(run)}: ${outcome.wrong.join("; ")}`);
      for (const what of Object.keys(all) as (keyof typeof all)[]) all[what] += outcome[what];
    }
    // Runs are not empty, and few reads are answered with 410.
    expect(all.displayed / run).toBeGreaterThan(4);
    expect(all.gone / all.displayed).toBeWithin(0.0001, 0.01);
    expect(all.plays / run).toBeGreaterThan(20);
    expect(all.folds / run).toBeGreaterThan(2);
    expect(all.crashes / run).toBeGreaterThan(0.3);
  });
});

describe("It does not go unnoticed that", () => {
  test.each(Object.entries(BROKEN))("%s", (_what, [design, makeServers]) => {
    let found: Outcome | undefined;
    for (let run = 0; run < RUNS_TO_CATCH && found === undefined; run++) {
      const outcome = simulate(seedOf(run), design, makeServers);
      if (outcome.wrong.length > 0) found = outcome;
    }
    expect(found).toBeDefined();
  });
});

test("A run depends on its seed only", () => {
  const [design, makeServers] = SOUND["in shared memory"] as (typeof SOUND)[string];
  for (let run = 0; run < 200; run++) {
    const [first, second] = [
      simulate(seedOf(run), design, makeServers),
      simulate(seedOf(run), design, makeServers),
    ];
    expect(second).toEqual(first);
  }
});
