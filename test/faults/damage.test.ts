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

setDefaultTimeout(900_000);
afterEach(async () => {
  await killAll();
  removeWorkFolder();
});

const FILE = "playcount.db";
const LOG = "playcount.db-wal";
const SIDE_BY_SIDE = 3;

/** Faults to report: most would be of one kind. */
const REPORTED = 10;

/** Damages to each file, of each of the two kinds. */
const CUTS = 3;
const FLIPS = 6;

/** Without a log beside it, every bit of the file counts. */
const FLIPS_ALONE = 100;

const ENDINGS: readonly [name: string, ending: Ending][] = [
  ["a stop", { last: ["POST", "song/last"], signal: "SIGTERM" }],
  ["a kill", { last: ["POST", "song/last"], signal: "SIGKILL" }],
  ["a kill after a seal", { last: ["PUT", "folds/4"], signal: "SIGKILL" }],
  ["a kill after an acknowledgement", { last: ["DELETE", "folds/2"], signal: "SIGKILL" }],
  ["a kill after a clear", { last: ["DELETE", ""], signal: "SIGKILL" }],
];

/** Damages one file in a copy of the folder, and returns the faults of a server that starts on it. */
async function faultsOf(
  specimen: Specimen,
  name: string,
  { name: damage, damaged }: Damage,
): Promise<string[]> {
  const folder = copyOf(specimen.folder);
  writeFileSync(join(folder, name), damaged);
  const before = filesOf(folder);
  const start = await serveOrRefuse(folder);
  if ("status" in start) {
    if (!isRefusal(start)) return [`${name} ${damage}: ended with ${JSON.stringify(start)}`];
    const changed = changesOf(before, filesOf(folder));
    return changed.length === 0 ? [] : [`${name} ${damage}: refused, but changed ${changed.join(", ")}`];
  }
  const answers = await answersOf(start.url);
  await end(start, "SIGKILL");
  return Bun.deepEquals(answers, specimen.answers)
    ? []
    : [`${name} ${damage}: served, but with other counts`];
}

/** Returns the names of files that were created, removed or changed. */
function changesOf(before: Files, after: Files): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name)?.equals(after.get(name) ?? Buffer.alloc(0)) !== true);
}

/** Yields all damages to try on a folder. */
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
  "After %s, damaged files are refused and left unchanged, or served with the right counts",
  async (name, ending) => {
    const specimen = await makeSpecimen(ending);
    expect(specimen.files.has(LOG)).toBe(ending.signal === "SIGKILL");
    const damages = damagesOf(specimen, new Random(`damage after ${name}`));
    const faults: string[] = [];
    const tryAll = async () => {
      for (const [name, damage] of damages) faults.push(...(await faultsOf(specimen, name, damage)));
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, tryAll));
    expect(faults.slice(0, REPORTED)).toEqual([]);
  },
);
