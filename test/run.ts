import { Glob, spawn } from "bun";
import { availableParallelism } from "node:os";
import process from "node:process";
import { missing } from "./support/extent.ts";

// Runs the tests that need npm alone, with few rounds of random cases. --all runs every test with all rounds.
// --record writes how long each file took, so that later runs begin with the slowest ones.

/** Files that need other programs, root or minutes. */
const OTHERS =
  /^test\/(?:balancers|container|deploy|faults|packages|torture(?!\/ledger)|store\/redis(?!\/slots))\//;

/** Guards against a test that hangs. A slow machine must not reach it. */
const TIMEOUT_MS = 300_000;

/** Files that run at the same time: two more than cores, as tests also wait. */
const PARALLEL = availableParallelism() + 2;

const isAll = process.argv.includes("--all");
const files = [...new Glob("test/**/*.test.ts").scanSync()].sort();
const chosen = files.filter((path) => isAll || !OTHERS.test(path));

const began = performance.now();
const command = ["bun", "test", `--parallel=${PARALLEL}`, "--only-failures", `--timeout=${TIMEOUT_MS}`];
const isRecording = process.argv.includes("--record");
const timings = ["--timings=test/timings.json", ...(isRecording ? ["--update-timings"] : [])];
const child = spawn([...command, ...timings, ...chosen.map((path) => `./${path}`)], {
  env: { ...process.env, TESTS: isAll ? "all" : "quick" },
  stdout: "inherit",
  stderr: "pipe",
});
const report = await passOn(child.stderr);
const status = await child.exited;
console.log(`\n${summary()}`);
process.exitCode = status;

function summary(): string {
  const [passed, failed, skipped] = [count("pass"), count("fail"), count("skip")];
  const seconds = Math.round((performance.now() - began) / 1000);
  const ran = `Ran ${(passed + failed).toLocaleString("en")} tests in ${seconds} s`;
  const result = status === 0 ? `${ran}, and all passed` : `${ran}, and ${failed} FAILED`;
  if (!isAll) {
    const more = `${skipped} tests of the same files and ${files.length - chosen.length} files`;
    return `${result}. \`bun run test:all\` adds ${more} that need other programs (Redis, nginx, HAProxy, buildah, Chromium, cc, curl), root or minutes.`;
  }
  const needs = missing().join(", ") || "the right to mount disks";
  return skipped === 0 ? `${result}.` : `${result}. Skipped ${skipped}: they need ${needs}.`;
}

/** Reads a line such as " 2429 pass" of Bun's report. */
function count(kind: string): number {
  return Number(new RegExp(`^\\s*(\\d+) ${kind}$`, "m").exec(report)?.[1] ?? 0);
}

/** Writes a stream to stderr as it comes, and returns all of it. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    process.stderr.write(piece);
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}
