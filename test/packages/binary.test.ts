import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { lacks } from "../support/extent.ts";
import { killAll, listen, run } from "../support/process.ts";
import { succeed } from "./packed.ts";

setDefaultTimeout(300_000);

const ROOT = join(import.meta.dir, "../..");
const PLATFORM = `linux-${process.arch}`;
const FILE = `playcount-${manifest.version}-${PLATFORM}`;
const BUILD = [process.execPath, "build/binaries.ts"];

/** A folder with the program of this machine, and what is written beside it. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "playcount-binary-"));
  await succeed([...BUILD, "--outdir", join(folder, "binaries"), PLATFORM], ROOT);
});

afterAll(async () => {
  await killAll();
  await rm(folder, { recursive: true });
});

test("the program of a platform has its sum and a bill of materials beside it", async () => {
  const built = join(folder, "binaries");
  const bill = `playcount-${manifest.version}.cdx.json`;
  expect((await readdir(built)).sort()).toEqual(["SHA256SUMS", FILE, bill].sort());
  const bytes = await Bun.file(join(built, FILE)).bytes();
  const content = createHash("sha256").update(bytes).digest("hex");
  expect(await Bun.file(join(built, "SHA256SUMS")).text()).toBe(`${content}  ${FILE}\n`);
  expect(await Bun.file(join(built, bill)).json()).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    metadata: {
      component: {
        name: "playcount",
        version: manifest.version,
        components: [{ name: FILE, hashes: [{ alg: "SHA-256", content }] }],
      },
    },
    components: [{ name: "bun", version: Bun.version }],
  });
});

test("an unknown platform is refused with the list of those known", async () => {
  const { status, stderr } = await run([...BUILD, "linux-x86"], {}, ROOT);
  expect(status).toBe(2);
  expect(stderr).toStartWith('"linux-x86" is no platform; expected are linux-x64, ');
});

test.skipIf(lacks("root"))(
  "the program runs in a root that has nothing but it, the C library and /proc",
  async () => {
    const jail = join(folder, "root");
    await cp(join(folder, "binaries", FILE), join(jail, "playcount"));
    const { stdout: libraries } = await succeed(["ldd", join(jail, "playcount")], ROOT);
    for (const [library] of libraries.matchAll(/\/\S+/g)) {
      await mkdir(dirname(join(jail, library)), { recursive: true });
      await cp(library, join(jail, library), { dereference: true });
    }
    await mkdir(join(jail, "proc")); // Bun needs it
    const start = 'mount -t proc proc "$0/proc" && exec chroot "$0" /playcount "$@"';
    const program = ["unshare", "--mount", "sh", "-c", start, jail];
    const version = `${manifest.version} (Bun ${Bun.version}, linux ${process.arch})\n`;
    expect(await run([...program, "--version"])).toEqual({ status: 0, stdout: version, stderr: "" });
    for (const count of ["1", "2"]) {
      const { url, process, ended } = await listen([...program, "--port", "0", "--data", "/plays"]);
      expect(await (await fetch(`${url}song/1`, { method: "POST" })).text()).toBe(count);
      process.kill("SIGTERM");
      expect(await ended).toMatchObject({ status: 0, stderr: "" });
    }
  },
);
