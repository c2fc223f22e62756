import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { help, readCommandLine } from "../../../src/cli/command-line.ts";
import { type CopySettings, copyHelp } from "../../../src/cli/copy/arguments.ts";

const FROM = ["--from", "http://a:8000,https://b/plays"];
const TO = ["--to", "http://c"];

function settingsOf(args: string[], environment: Record<string, string> = {}): CopySettings {
  const command = readCommandLine(["copy", ...args], environment);
  if (command.do !== "copy") throw new Error(`It has the program ${command.do}`);
  expect(command.args).toEqual(args);
  return command.settings;
}

describe("copy", () => {
  test("moves from some servers to others, however their URLs are written", () => {
    const settings = { from: ["http://a:8000/", "https://b/plays/"], to: ["http://c/"] };
    expect(settingsOf([...FROM, ...TO])).toEqual({
      ...settings,
      fold: undefined,
      again: false,
      token: "",
      toToken: "",
    });
    expect(settingsOf(["--to=http://C:80//", FROM.join("=")])).toMatchObject(settings);
    expect(settingsOf([...FROM, ...TO, "--fold", "18", "--again"])).toMatchObject({ fold: 18, again: true });
  });

  test("may have servers in both lists", () => {
    expect(settingsOf(["--from", "http://a,http://b", "--to", "http://b,http://a,http://c"]).to).toHaveLength(
      3,
    );
    expect(settingsOf(["--from", "http://a,http://b", "--to", "http://b"]).to).toEqual(["http://b/"]);
  });

  test("is not disturbed by what sets a server", () => {
    expect(settingsOf([...FROM, ...TO], { PLAYCOUNT_PORT: "x" }).to).toEqual(["http://c/"]);
  });

  test.each([[["--help"]], [["-h"]], [["--from", "x", "--help"]]])("%j asks for its help", (args) => {
    expect(readCommandLine(["copy", ...args], {})).toEqual({ do: "help with copy" });
  });

  test("is in the help, and its own names all of its flags", () => {
    expect(help()).toContain("playcount copy --from URLS --to URLS");
    for (const flag of ["from", "to", "fold", "again", "token-file", "to-token-file"])
      expect(copyHelp()).toContain(`\n  --${flag} `);
    expect(
      Math.max(
        ...copyHelp()
          .split("\n")
          .map((line) => line.length),
      ),
    ).toBeLessThan(100);
  });
});

describe("Tokens of copy", () => {
  const folder = mkdtempSync(join(tmpdir(), "playcount-tokens-"));
  const path = join(folder, "token");
  writeFileSync(path, "from-a-file\n");
  afterAll(() => rmSync(folder, { recursive: true }));
  const tokensOf = (args: string[], environment: Record<string, string> = {}) => {
    const { token, toToken } = settingsOf([...FROM, ...TO, ...args], environment);
    return [token, toToken];
  };

  test("come from the environment or a file, and the one is for both lists unless there is another", () => {
    expect(tokensOf([], { PLAYCOUNT_TOKEN: "a" })).toEqual(["a", "a"]);
    expect(tokensOf([], { PLAYCOUNT_TOKEN: "a", PLAYCOUNT_TO_TOKEN: "b" })).toEqual(["a", "b"]);
    expect(tokensOf([], { PLAYCOUNT_TO_TOKEN: "b" })).toEqual(["", "b"]);
    expect(tokensOf(["--token-file", path], { PLAYCOUNT_TOKEN: "a" })).toEqual([
      "from-a-file",
      "from-a-file",
    ]);
    expect(tokensOf(["--to-token-file", path], { PLAYCOUNT_TOKEN: "a" })).toEqual(["a", "from-a-file"]);
  });

  test("are read from the files that variables name", () => {
    writeFileSync(path, "from-a-file\n");
    expect(tokensOf([], { PLAYCOUNT_TOKEN_FILE: path })).toEqual(["from-a-file", "from-a-file"]);
    expect(tokensOf([], { PLAYCOUNT_TOKEN: "a", PLAYCOUNT_TO_TOKEN_FILE: path })).toEqual([
      "a",
      "from-a-file",
    ]);
    expect(() => tokensOf([], { PLAYCOUNT_TO_TOKEN: "\n" })).toThrow(/^PLAYCOUNT_TO_TOKEN is blank/);
  });

  test("are never shown", () => {
    const wanted =
      "PLAYCOUNT_TO_TOKEN must be a bearer token of A-Z a-z 0-9 - . _ ~ + /; character 7 is not allowed";
    expect(() => tokensOf([], { PLAYCOUNT_TO_TOKEN: "canary bird" })).toThrow(new RangeError(wanted));
    expect(() => tokensOf(["--token", "canary"])).toThrow(
      /^unknown option "--token"; did you mean --token-file\? see copy --help$/,
    );
    const missing = join(folder, "missing");
    const message = `--to-token-file: cannot read ${JSON.stringify(missing)}: ENOENT`;
    expect(() => tokensOf(["--to-token-file", missing])).toThrow(new RangeError(message));
  });
});

const WANTED = "must be http or https URLs without user, query and fragment, separated by commas, not";

test.each([
  [[], "--from is missing: copy needs --from URL and --to URL"],
  [FROM, "--to is missing: copy needs --from URL and --to URL"],
  [TO, "--from is missing: copy needs --from URL and --to URL"],
  [["--from", "a:8000", ...TO], `--from ${WANTED} "a:8000"`],
  [[...FROM, "--to="], `--to ${WANTED} ""`],
  [[...FROM, "--to", "http://c,"], `--to ${WANTED} ""`],
  [[...FROM, "--to", "http://c, http://d"], `--to ${WANTED} " http://d"`],
  [[...FROM, "--to", "http://u:p@c"], `${WANTED} "http://…@c"`],
  [[...FROM, "--to", "http://c?x=1"], `--to ${WANTED} "http://c?…"`],
  [[...FROM, "--to", "http://c,http://c:80/"], "--to lists http://c/ twice"],
  [[...FROM, ...TO, ...TO], "--to is repeated; separate servers by commas"],
  [["--from", "http://a,http://b", "--to", "http://b/,http://a"], "--from and --to list the same servers"],
  [[...FROM, ...TO, "--fold", "0"], '--fold must be a whole number from 1 to 9007199254740991, not "0"'],
  [[...FROM, ...TO, "--fold", "9007199254740992"], '9007199254740991, not "9007199254740992"'],
  [[...FROM, ...TO, "--fold", "1e3"], 'not "1e3"'],
  [[...FROM, ...TO, "--fold"], "--fold needs a value"],
  [[...FROM, ...TO, "--port", "1"], 'unknown option "--port"; see copy --help'],
  [[...FROM, ...TO, "http://d"], 'unexpected argument "http://d"; see copy --help'],
  [["--help=yes"], "--help takes no value"],
] as const)("copy %j is refused in one line", (args, message) => {
  const read = () => readCommandLine(["copy", ...args], {});
  expect(read).toThrow(RangeError);
  expect(read).toThrow(message);
  expect(read).not.toThrow("\n");
});
