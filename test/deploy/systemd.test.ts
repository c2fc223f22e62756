import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { readCommandLine } from "../../src/cli/command-line.ts";
import { noteIgnoredVariables } from "../../src/cli/command-line.ts";
import { findProgram } from "../support/extent.ts";
import { filesIn, readText, runTool } from "./support/files.ts";

const PROGRAM = "/usr/local/bin/playcount";

/** Highest exposure that is accepted, from 0 to 10. */
const MOST_EXPOSURE = 2;

const FILES = filesIn("systemd").map((path) => path.replace("systemd/", ""));
const SERVICES = FILES.filter((name) => name.endsWith(".service"));

/** Returns the values of a key of a unit. */
function valuesOf(unit: string, key: string): string[] {
  const lines = readText(`systemd/${unit}`).matchAll(new RegExp(`^${key}=(.*)$`, "gm"));
  return Array.from(lines, ([, value = ""]) => value);
}

describe("The units of systemd", () => {
  const analyze = findProgram("systemd-analyze") ?? "";
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "playcount-units-"));
    for (const name of FILES)
      writeFileSync(join(folder, name), readText(`systemd/${name}`).replaceAll(PROGRAM, process.execPath));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(SERVICES)("of %s start a command, with variables, that playcount knows", (unit) => {
    const [line = ""] = valuesOf(unit, "ExecStart");
    const [program, ...words] = line.replace("${STATE_DIRECTORY}", "/var/lib/playcount").split(" ");
    expect(program).toBe(PROGRAM);
    const variables = valuesOf(unit, "Environment").map((text) => text.split("=") as [string, string]);
    expect(noteIgnoredVariables(Object.fromEntries(variables))).toEqual([]);
    const { do: does } = readCommandLine(words, { PLAYCOUNT_INTO: "sqlite:x" });
    expect(does).toBe(unit === "playcount.service" ? "serve" : "fold");
  });

  test("pass the database's URL as a credential, in the file that the command reads", () => {
    const unit = "playcount-fold.service";
    const [credential = ""] = valuesOf(unit, "LoadCredential");
    const [name] = credential.split(":");
    expect(valuesOf(unit, "Environment")).toEqual([`PLAYCOUNT_INTO_FILE=%d/${name}`]);
  });

  test("leave a stop the time that it may take", () => {
    const command = readCommandLine([], {});
    if (command.do !== "serve") throw new Error("no server");
    const [seconds] = valuesOf("playcount.service", "TimeoutStopSec");
    expect(Number(seconds)).toBeGreaterThanOrEqual(command.settings.shutdownSeconds + 6);
  });

  test("let the server tell that it is ready, and start no hand-over when the timer is enabled", () => {
    expect(valuesOf("playcount.service", "Type")).toEqual(["notify"]);
    const starts = readText("systemd/playcount-fold.timer").matchAll(/^(On\w+)=/gm);
    expect(Array.from(starts, ([, key]) => key)).toEqual(["OnActiveSec", "OnUnitActiveSec"]);
  });

  test.skipIf(analyze === "").each(FILES)("include %s, which systemd-analyze verifies", (name) => {
    expect(runTool([analyze, "verify", "--man=no", join(folder, name)], folder)).toEqual({
      status: 0,
      output: "",
      text: "",
    });
  });

  test.skipIf(analyze === "").each(SERVICES)("leave %s little that it is exposed to", (name) => {
    const { status, output } = runTool(
      [analyze, "security", "--offline=true", `--threshold=${MOST_EXPOSURE * 10}`, join(folder, name)],
      folder,
    );
    const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(output) ?? [];
    expect([status, Number(exposure) <= MOST_EXPOSURE]).toEqual([0, true]);
    expect(readText("README.md")).toContain(`shows ${exposure} of 10`);
  });
});
