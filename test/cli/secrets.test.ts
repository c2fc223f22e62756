import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killAll, listen, RUNTIMES, run } from "../support/process.ts";

setDefaultTimeout(300_000);
const folder = mkdtempSync(join(tmpdir(), "playcount-canary-"));
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const main = join(import.meta.dir, "../../src/main.ts");
const TOKEN = "canary-of-all";
const PLAY_TOKEN = "canary-of-plays";

/** Sends every request with valid, invalid and misplaced tokens, and returns all answers as text. */
async function askAll(url: string): Promise<string> {
  const heard: string[] = [];
  const tokens = [TOKEN, PLAY_TOKEN, `${TOKEN}x`, `${PLAY_TOKEN}==`, `"${TOKEN}"`, ""];
  for (const token of tokens) {
    for (const scheme of ["Bearer", "Basic", "bearer "]) {
      for (const accept of ["*/*", "application/json", "image/png"]) {
        const headers = { authorization: `${scheme} ${token}`, accept };
        for (const path of [
          "",
          "song/a",
          "folds",
          "folds/1",
          "batch",
          "health",
          "metrics",
          "openapi.json",
          "song/%",
          "x",
        ]) {
          for (const method of ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]) {
            const answer = await fetch(url + path, { method, headers });
            heard.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
          }
        }
      }
    }
  }
  return heard.join("\n");
}

test.each([[["--workers", "1"]], [["--workers", "2"]]])(
  "No answer, metric or log line contains a token: %j",
  async (flags) => {
    const environment = { PLAYCOUNT_TOKEN: TOKEN, PLAYCOUNT_PLAY_TOKEN: PLAY_TOKEN };
    const { url, process, ended } = await listen(
      [...RUNTIMES.bun, main, "--port", "0", ...flags],
      environment,
    );
    const heard = await askAll(url);
    for (const status of ["200", "201", "204", "400", "401", "403", "404", "405", "406"])
      expect(heard).toContain(`\n${status} `); // valid tokens are accepted, and invalid ones refused
    expect(heard).toContain("playcount_requests_total");
    process.kill("SIGTERM");
    const { stdout, stderr } = await ended;
    expect(`${heard}${stdout}${stderr}`).not.toContain("canary");
  },
);

test("No error contains an invalid token from the environment or a file", async () => {
  const file = join(folder, "token");
  writeFileSync(file, "canary with spaces");
  for (const [args, environment] of [
    [[], { PLAYCOUNT_TOKEN: "canary with spaces" }],
    [[], { PLAYCOUNT_TOKEN: "canary", PLAYCOUNT_PLAY_TOKEN: "canary\nbird" }],
    [[], { PLAYCOUNT_PLAY_TOKEN: "canary" }],
    [["--token-file", file], {}],
    [[], { PLAYCOUNT_TOKEN_FILE: file }],
    [["--store", "redis://:canary@h"], {}],
    [["--store", "redis://canary@me:canary@h"], {}],
    [["--store-password", "canary"], {}],
    [["--host", "http://me:canary@h"], {}],
    [["--cors-origins", "https://me:canary@h"], {}],
    [["--allowed-hosts", "h", "--port", "redis://:canary@h"], {}],
    [["--token", "canary"], {}],
    [["--token=canary"], {}],
    [["redis://u:canary@h"], {}],
    [["--redis://u:canary@h"], {}],
    [["--port", "u:canary@h"], {}],
    [["copy", "u:canary@h"], {}],
    [["copy", "--from", "http://a", "--to", "http://b", "--fold", "redis://u:canary@h"], {}],
    [["--token-file=canary/none"], {}],
  ] as const) {
    const { status, stdout, stderr } = await run([...RUNTIMES.bun, main, ...args], environment);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^playcount: [^\n]+\n$/);
    if (!args.some((arg) => arg === "--token-file=canary/none")) expect(stderr).not.toContain("canary");
  }
});
