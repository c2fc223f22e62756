import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCounts } from "../../support/counts.ts";
import { lacks } from "../../support/extent.ts";
import { killAll, listen, RUNTIMES, run } from "../../support/process.ts";
import { newFolder, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterAll(removeAll);

const main = join(import.meta.dir, "../../../src/main.ts");
const program = [...RUNTIMES.bun, main, "--port", "0"];
const [FILE, LOG, RECORD] = ["playcount.db", "playcount.db-wal", "last-commit"];

/** Makes a folder by a server that is killed, so that its log has the latest plays. */
async function killedFolder(): Promise<string> {
  const folder = newFolder();
  const { url, process, ended } = await listen([...program, "--data", folder]);
  for (let n = 0; n < 20; n++) await fetch(`${url}song/${n}`, { method: "POST" });
  process.kill("SIGKILL");
  await ended;
  return folder;
}

function copyOf(folder: string): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

/** Ways to break a folder, and a part of the sentence that refuses it. */
const BROKEN: [name: string, breakIt: (path: (name: string) => string) => void, why: string][] = [
  ["its file is empty", (path) => truncateSync(path(FILE), 0), "it is empty"],
  ["its file has 1 byte", (path) => truncateSync(path(FILE), 1), "it is not a database of playcount"],
  ["its file has 99 bytes", (path) => truncateSync(path(FILE), 99), "it is not a database of playcount"],
  ["its file has 512 bytes", (path) => truncateSync(path(FILE), 512), ""],
  ["its file has 4095 bytes", (path) => truncateSync(path(FILE), 4095), ""],
  ["its file has one page", (path) => truncateSync(path(FILE), 4096), ""],
  ["its file is missing", (path) => rmSync(path(FILE)), "it is missing"],
  ["its log is missing", (path) => rmSync(path(LOG)), "an old copy; to serve the counts that it has"],
  ["its log is empty", (path) => truncateSync(path(LOG), 0), "an old copy"],
  ["its log is cut", (path) => truncateSync(path(LOG), 2000), "an old copy"],
  ["its log is another file", (path) => writeFileSync(path(LOG), Buffer.alloc(9000, 7)), "an old copy"],
  ["its record is missing", (path) => rmSync(path(RECORD)), "last-commit is missing or damaged"],
  ["its record is empty", (path) => truncateSync(path(RECORD), 0), "last-commit is missing or damaged"],
  ["its record is no number", (path) => writeFileSync(path(RECORD), "many\n"), "last-commit is missing"],
  [
    "log and record are missing",
    (path) => [LOG, RECORD].forEach((name) => rmSync(path(name))),
    "last-commit is missing or damaged, so it may be an old copy; to serve the counts that it has, write 0 to last-commit",
  ],
  [
    "its file was copied alone",
    (path) => [LOG, RECORD, "lock"].forEach((name) => rmSync(path(name))),
    "last-commit is missing or damaged",
  ],
  [
    "only its log is left",
    (path) => [FILE, RECORD, "lock"].forEach((name) => rmSync(path(name))),
    "it is missing",
  ],
  ["its file is a folder", (path) => (rmSync(path(FILE)), mkdirSync(path(FILE))), ""],
  ["its record is a folder", (path) => (rmSync(path(RECORD)), mkdirSync(path(RECORD))), ""],
  ["its lock is a folder", (path) => (rmSync(path("lock")), mkdirSync(path("lock"))), ""],
  [
    "its file has a byte too many",
    (path) => appendFileSync(path(LOG), "x") ?? truncateSync(path(FILE), 5000),
    "",
  ],
  [
    "a journal of another program is beside it",
    (path) => {
      rmSync(path(RECORD));
      writeFileSync(path(`${FILE}-journal`), Buffer.alloc(2048, 0xd9));
    },
    "",
  ],
  [
    "an index of its log is left over",
    (path) => {
      truncateSync(path(FILE), 4096);
      writeFileSync(path(`${FILE}-shm`), Buffer.alloc(32768, 3));
    },
    "",
  ],
  [
    "an unfinished file is beside it",
    (path) => {
      rmSync(path(RECORD));
      writeFileSync(path(`${FILE}-unfinished`), "x");
    },
    "last-commit is missing",
  ],
];

for (const file of [FILE, LOG, `${FILE}-shm`, "lock", RECORD]) {
  const breakIt = (path: (name: string) => string) => {
    rmSync(path(file), { force: true });
    Bun.spawnSync(["mkfifo", path(file)]);
  };
  BROKEN.push([`its ${file} is a pipe`, breakIt, `${file} is not a regular file`]);
}

test("A start that is refused leaves every byte of the folder as it was", async () => {
  const killed = await killedFolder();
  for (const [name, breakIt, why] of BROKEN) {
    const folder = copyOf(killed);
    breakIt((file) => join(folder, file));
    const before = digestsOf(folder);
    const { status, stdout, stderr } = await run(["timeout", "30", ...program, "--data", folder]);
    expect([status, stdout], name).toEqual([1, ""]);
    expect(stderr, name).toMatch(/^playcount: [^\n]+\n$/);
    expect(stderr, name).toContain(why);
    expect(digestsOf(folder), name).toEqual(before);
  }
});

/** Returns a hash of each file of a folder, by name. */
function digestsOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, digestOf(join(folder, name))]));
}

function digestOf(path: string): string {
  const found = statSync(path);
  if (found.isFIFO()) return "a pipe";
  return found.isDirectory() ? JSON.stringify(readdirSync(path)) : Bun.hash(readFileSync(path)).toString();
}

test("An old copy is served on purpose, once 0 is written to last-commit", async () => {
  const folder = await killedFolder();
  rmSync(join(folder, LOG));
  writeFileSync(join(folder, RECORD), "0");
  const { url } = await listen([...program, "--data", folder]);
  expect(readCounts(await (await fetch(url)).text()).size).toBeLessThan(20);
});

const AS_ANOTHER = ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"];
/** A checkout in a home directory may be closed to other users, who can run nothing of it then. */
const isPrivate = !lacks("root") && Bun.spawnSync([...AS_ANOTHER, "test", "-r", main]).exitCode !== 0;

test.skipIf(lacks("root") || isPrivate)("A folder of another user is described by its owner", async () => {
  const folder = await killedFolder();
  const refused = async () => {
    const before = digestsOf(folder);
    const { status, stderr } = await run([...AS_ANOTHER, ...program, "--data", folder]);
    expect(status).toBe(1);
    expect(digestsOf(folder)).toEqual(before);
    return stderr;
  };
  const user = "this process runs as uid 4242, gid 4242\n";
  chmodSync(join(folder, ".."), 0o755);
  chmodSync(folder, 0o755);
  expect(await refused()).toStartWith(
    `playcount: cannot serve ${folder}: EACCES: permission denied: ${folder} belongs to uid 0, gid 0 (mode 755); this`,
  );
  expect(await refused()).not.toContain("probe");
  chownSync(folder, 4242, 4242);
  for (const name of readdirSync(folder)) {
    expect(await refused()).toContain(user);
    expect(await refused()).toContain(`${join(folder, name)} belongs to uid 0, gid 0 (mode 644); `);
    chownSync(join(folder, name), 4242, 4242);
  }
});

test.each(Object.entries(RUNTIMES))(
  "A folder that cannot be created ends a program on %s",
  async (_, runtime) => {
    const { status, stderr } = await run([...runtime, main, "--port", "0", "--data", "/proc/playcount/data"]);
    expect(status).toBe(1);
    expect(stderr).toContain("mkdir '/proc/playcount'");
  },
);

describe.each(Object.entries(RUNTIMES))("On %s, --data refuses in one line", (_, runtime) => {
  test.each([
    ["a file", (path: string) => writeFileSync(path, "a"), "it is not a directory"],
    ["a device", (path: string) => symlinkSync("/dev/null", path), "it is not a directory"],
    ["a pipe", (path: string) => Bun.spawnSync(["mkfifo", path]), "it is not a directory"],
    [
      "a link to nothing",
      (path: string) => symlinkSync("gone", path),
      "it is a symbolic link to a missing directory",
    ],
  ] as const)("%s", async (_name, make, why) => {
    const path = newFolder();
    make(path);
    const command = ["timeout", "30", ...runtime, main, "--port", "0", "--data"];
    const line = `playcount: cannot serve ${path}: ${why}\n`;
    expect(await run([...command, path])).toEqual({ status: 1, stdout: "", stderr: line });
    const below = join(path, "below", "further");
    const { stderr } = await run([...command, below]);
    expect(stderr).toBe(`playcount: cannot serve ${below}: ${path} ${why.replace("it ", "")}\n`);
  });
});
