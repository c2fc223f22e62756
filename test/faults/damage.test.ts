import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { killAll } from "../support/process.ts";
import { cuts, type Damage, flips } from "./damage.ts";
import { end, isRefusal, serveOrRefuse } from "./server.ts";
import {
  answersOf,
  copyOf,
  type Ending,
  type Files,
  filesOf,
  makeSpecimen,
  type Specimen,
} from "./specimen.ts";
import { removeWorkFolder } from "./work-folder.ts";

setDefaultTimeout(120_000);
afterEach(async () => {
  await killAll();
  removeWorkFolder();
});

const FILE = "playcount.db";
const LOG = "playcount.db-wal";
const SIDE_BY_SIDE = 3;

/** Faults that are told: most would be of one kind. */
const TOLD = 10;

/** How much is damaged of each file, in each of the two ways. */
const CUTS = 3;
const FLIPS = 6;

/** A file that has no log beside it is all there is, and every bit of it counts. */
const FLIPS_ALONE = 100;

const ENDINGS: readonly [name: string, ending: Ending][] = [
  ["a stop", { last: ["POST", "song/last"], signal: "SIGTERM" }],
  ["a kill", { last: ["POST", "song/last"], signal: "SIGKILL" }],
  ["a kill behind a seal", { last: ["PUT", "folds/4"], signal: "SIGKILL" }],
  ["a kill behind an acknowledgement", { last: ["DELETE", "folds/2"], signal: "SIGKILL" }],
  ["a kill behind a clear", { last: ["DELETE", ""], signal: "SIGKILL" }],
];

/** Damages a copy of one file of a folder, and tells what is wrong with what a server makes of it. */
async function faultsOf(specimen: Specimen, name: string, { what, damaged }: Damage): Promise<string[]> {
  const folder = copyOf(specimen.folder);
  writeFileSync(join(folder, name), damaged);
  const before = filesOf(folder);
  const start = await serveOrRefuse(folder);
  if ("status" in start) {
    if (!isRefusal(start)) return [`${name} ${what}: ended with ${JSON.stringify(start)}`];
    const changed = changesOf(before, filesOf(folder));
    return changed.length === 0 ? [] : [`${name} ${what}: refused, and changed ${changed.join(", ")}`];
  }
  const answers = await answersOf(start.url);
  await end(start, "SIGKILL");
  return Bun.deepEquals(answers, specimen.answers) ? [] : [`${name} ${what}: served, and not what it was`];
}

/** Names of files that came, went or are not what they were. */
function changesOf(before: Files, after: Files): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name)?.equals(after.get(name) ?? Buffer.alloc(0)) !== true);
}

/** All damages of a folder that are tried. */
function* damagesOf({ files }: Specimen, random: Random): Generator<[name: string, damage: Damage]> {
  const flipped = files.has(LOG) ? FLIPS : FLIPS_ALONE;
  for (const name of [FILE, LOG]) {
    const file = files.get(name);
    if (file === undefined) continue;
    for (const damage of cuts(file, name === LOG, CUTS, random)) yield [name, damage];
    for (const damage of flips(file, flipped, random)) yield [name, damage];
  }
}

test.each(ENDINGS)(
  "After %s, damaged files are refused and left as they are, or are as good as whole",
  async (name, ending) => {
    const specimen = await makeSpecimen(ending);
    expect(specimen.files.has(LOG)).toBe(ending.signal === "SIGKILL");
    const damages = damagesOf(specimen, new Random(`damage after ${name}`));
    const faults: string[] = [];
    const tryAll = async () => {
      for (const [name, damage] of damages) faults.push(...(await faultsOf(specimen, name, damage)));
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, tryAll));
    expect(faults.slice(0, TOLD)).toEqual([]);
  },
);
