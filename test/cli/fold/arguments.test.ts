import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FoldSettings, readFoldArguments } from "../../../src/cli/fold/arguments.ts";
import { foldHelp } from "../../../src/cli/fold/help.ts";

const folder = mkdtempSync(join(tmpdir(), "playcount-fold-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FROM = ["--from", "http://a:8000"];
const INTO = ["--into", "postgres://app@db/music"];

function read(args: readonly string[], environment: Record<string, string> = {}): FoldSettings {
  return readFoldArguments(args, environment) as FoldSettings;
}

/** Returns the path of a file with a text. */
function fileOf(text: string): string {
  const path = join(folder, "secret");
  writeFileSync(path, `${text}\n`);
  return path;
}

describe("The arguments of fold", () => {
  test("have defaults for everything but the servers and the destination", () => {
    expect(read([...FROM, ...INTO])).toEqual({
      from: ["http://a:8000/"],
      into: { database: "postgres://app@db/music" },
      token: "",
      toToken: "",
      names: { table: "song", id: "id", plays: "plays", name: "song", history: undefined },
      unknown: "keep",
      partSongs: 10_000,
      every: undefined,
      adopt: undefined,
      skip: false,
      password: undefined,
      ca: undefined,
      lockSeconds: 10,
      timeoutSeconds: 600,
      mode: "run",
    });
  });

  test("take the URL of the database, its password and the tokens from variables and files", () => {
    const variables = {
      PLAYCOUNT_INTO: "sqlite:a.db",
      PLAYCOUNT_INTO_PASSWORD: "p",
      PLAYCOUNT_TOKEN: "t".repeat(32),
    };
    expect(read(FROM, variables)).toMatchObject({
      into: { database: "sqlite:a.db" },
      password: "p",
      token: "t".repeat(32),
      toToken: "t".repeat(32),
    });
    expect(read([...FROM, "--into-file", fileOf("sqlite:b.db")], variables).into).toEqual({
      database: "sqlite:b.db",
    });
    expect(read([...FROM, "--exec", "cat"], variables).into).toEqual({ command: "cat" });
    expect(read([...FROM, ...INTO, "--password-file", fileOf("q")], variables).password).toBe("q");
  });

  test("name other servers, a command, times and a table with its schema", () => {
    expect(read([...FROM, "--into", "http://c,http://d/plays"]).into).toEqual({
      servers: ["http://c/", "http://d/plays/"],
    });
    expect(read([...FROM, "--exec", "cat"]).into).toEqual({ command: "cat" });
    const more = ["--every", "5m", "--table", "music.song", "--adopt", "17", "--dry-run"];
    expect(read([...FROM, ...INTO, ...more])).toMatchObject({
      every: 300,
      adopt: 17,
      mode: "dry run",
      names: { name: "music.song" },
    });
    expect(read([...INTO, "--print-sql"])).toMatchObject({ from: [], mode: "print SQL" });
  });

  test("ask for help, which lists every flag", () => {
    expect(readFoldArguments(["--help"], {})).toBeUndefined();
    for (const line of foldHelp().split("\n")) expect(line.length).toBeLessThanOrEqual(110);
  });

  test.each([
    [INTO, "--from is missing: the URLs of the servers, separated by commas"],
    [FROM, "either --into URL or --exec COMMAND is needed: where to store the plays"],
    [
      [...FROM, ...INTO, "--exec", "cat"],
      "either --into URL or --exec COMMAND is needed: where to store the plays",
    ],
    [
      [...FROM, "--into", "oracle://u:secret@h/d"],
      '--into must begin with postgres://, mysql://, sqlite: or http://, not "oracle://…@h/d"',
    ],
    [
      [...FROM, "--into", "oracle://u:se/cr@et@h/d"],
      '--into must begin with postgres://, mysql://, sqlite: or http://, not "oracle://…@h/d"',
    ],
    [
      [...FROM, "--into", "postgres://u:p/w@h/d"],
      "--into is no URL; write @, :, /, ?, # and % in a password as %40, %3A, %2F, %3F, %23 and %25",
    ],
    [
      [...FROM, "--into", "postgres://u:p@ss/w@h/d"],
      "--into is no URL; write @, :, /, ?, # and % in a password as %40, %3A, %2F, %3F, %23 and %25",
    ],
    ...["postgres://app:12#pw@h/d", "mysql://u:50%@h/d", "postgres://u@h/a%zz"].map(
      (url) =>
        [
          [...FROM, "--into", url],
          "--into is no URL; write @, :, /, ?, # and % in a password as %40, %3A, %2F, %3F, %23 and %25",
        ] as const,
    ),
    [[...INTO, "--print-schema", "--history", ""], "--history is empty"],
    [["--exec", "cat", "--print-sql"], "--print-sql is for a database of --into"],
    [["--into", "http://c", "--print-schema"], "--print-schema is for a database of --into"],
    [[...FROM, "--exec", "cat", "--history", "h"], "--history is for a database of --into"],
    [[...FROM, "--exec", "cat", "--unknown", "drop"], "--unknown is for a database or servers of --into"],
    [[...FROM, "--into", "http://c", "--timeout", "5m"], "--timeout is for a database of --into"],
    [[...FROM, "--into", "http://c", "--name", "n"], "--name is for a table or a command"],
    [[...FROM, ...INTO, "--to-token-file", "/none"], "--to-token-file is for servers of --into"],
    [[...FROM, "--exec", " "], "--exec is empty"],
    [[...FROM, ...INTO, "--into-file", "/none"], "--into-file and --into exclude each other"],
    [[...FROM, "--exec", "cat", "--into-file", "/none"], "--into-file and --exec exclude each other"],
    [[...FROM, ...INTO, "--skip", "--every", "1m"], "--skip and --every exclude each other"],
    [[...INTO, "--print-sql", "--print-schema"], "--print-sql and --print-schema exclude each other"],
    [[...FROM, ...INTO, "--dry-run", "--print-sql"], "--print-sql and --dry-run exclude each other"],
    [
      [...FROM, "--into", "http://a:8000"],
      "--from and --into list the same servers, so there is nothing to move",
    ],
    ...["http://h?token=secret", "http://h#secret", "http://u:secret@h"].map(
      (url) =>
        [
          ["--from", url, ...INTO],
          "--from must be different http or https URLs without user, query and fragment, separated by commas",
        ] as const,
    ),
    [[...FROM, ...INTO, "--unknown", "x"], '--unknown must be keep, insert or drop, not "x"'],
    [
      [...FROM, ...INTO, "--every", "0s"],
      '--every must be a time of at least a second, as 60s or 5m, not "0s"',
    ],
    [
      [...FROM, ...INTO, "--every", "60"],
      '--every must be a time of at least a second, as 60s or 5m, not "60"',
    ],
    [[...FROM, ...INTO, "--rows", "0"], '--rows must be a whole number from 1 to 1000000, not "0"'],
    [
      [...FROM, ...INTO, "--adopt", "x"],
      '--adopt must be a whole number from 1 to 9007199254740991, not "x"',
    ],
    [[...FROM, ...INTO, "--table", ""], "--table is empty"],
    [[...FROM, ...FROM, ...INTO], "--from is repeated; separate servers by commas"],
    [[...FROM, ...INTO, "--tabel", "x"], 'unknown option "--tabel"; did you mean --table? see fold --help'],
  ] as const)("are refused: %j", (args, sentence) => {
    expect(() => read(args)).toThrow(new RangeError(sentence));
  });
});
