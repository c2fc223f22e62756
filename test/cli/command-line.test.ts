import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { help, noteIgnoredVariables, readCommandLine } from "../../src/cli/command-line.ts";
import { createHandler, ShardedStore } from "../../src/mod.ts";
import { environmentName, flagName, variablesOf } from "../../src/settings/names.ts";
import { readSettings, type Settings, settingNames } from "../../src/settings/settings.ts";

/** Returns the settings of a server that a command line starts. */
function settingsOf(args: string[], environment: Record<string, string> = {}): Settings {
  const command = readCommandLine(args, environment);
  if (command.do !== "serve") throw new Error(`The command is ${command.do}`);
  return command.settings;
}

/** Sets Redis, which some settings require. */
const IN_REDIS = { PLAYCOUNT_STORE: "redis://localhost" };

const DEFAULTS = readSettings(() => undefined);

/** A value for each setting that is not its default: the text, and the parsed value. */
const OTHERS: {
  [K in Exclude<keyof Settings, "page" | "accessLog" | "token" | "playToken" | "storePassword">]: readonly [
    string,
    Settings[K],
  ];
} = {
  host: ["::1", "::1"],
  socketMode: ["600", "600"],
  port: ["0", 0],
  workers: ["auto", "auto"],
  resource: ["video", "video"],
  basePath: ["/a/b", "/a/b"],
  defaultFormat: ["json", "json"],
  maxSongs: ["7", 7],
  maxIdBytes: ["100", 100],
  idPattern: ["[0-9]{1,18}", "[0-9]{1,18}"],
  maxFolds: ["3", 3],
  maxWriters: ["4", 4],
  maxStoreBytes: ["1048576", 2 ** 20],
  data: ["/var/lib/plays", "/var/lib/plays"],
  store: ["rediss://me@a.example:7000,[::1]:7001", "rediss://me@a.example:7000,[::1]:7001"],
  storePrefix: ["a.b", "a.b"],
  storeTimeout: ["20", 20],
  shards: ["64", 64],
  waitReplicas: ["2", 2],
  maxWaiting: ["5", 5],
  maxBodyBytes: ["1024", 1024],
  bodySeconds: ["5", 5],
  maxPendingBytes: ["4096", 4096],
  maxBatchSongs: ["9", 9],
  maxStreams: ["10", 10],
  maxStreamSongs: ["11", 11],
  streamSeconds: ["12", 12],
  streamIdleSeconds: ["13", 13],
  corsOrigins: ["https://a.example,http://b:80", "https://a.example,http://b"],
  allowedHosts: ["a.example,.b,[::1]", "a.example,.b,[::1]"],
  drainSeconds: ["5", 5],
  shutdownSeconds: ["0", 0],
  log: ["json", "json"],
};

test("without flags and variables every setting has its default", () => {
  expect(settingsOf([])).toEqual(DEFAULTS);
  expect(Object.keys(settingsOf([])).sort()).toEqual(settingNames().sort());
});

describe.each(Object.entries(OTHERS))("%s", (key, [text, value]) => {
  const name = key as keyof Settings;
  const flag = `--${flagName(name)}`;
  const environment = name === "data" ? {} : IN_REDIS;

  test("can be set by a flag, with its value after a space or an equals sign", () => {
    expect(settingsOf([flag, text], environment)[name]).toBe(value);
    expect(settingsOf([`${flag}=${text}`], environment)[name]).toBe(value);
  });

  test("can be set by an environment variable", () => {
    expect(settingsOf([], { ...environment, [environmentName(name)]: text })[name]).toBe(value);
  });

  test("has the value of the flag if the variable has another value, even an invalid one", () => {
    expect(
      settingsOf([flag, text], { ...environment, [environmentName(name)]: String(DEFAULTS[name]) })[name],
    ).toBe(value);
    expect(settingsOf([flag, text], { ...environment, [environmentName(name)]: "\n" })[name]).toBe(value);
  });

  test("is not set by an empty variable", () => {
    expect(settingsOf([], { [environmentName(name)]: "" })[name]).toBe(DEFAULTS[name]);
  });

  test("is listed by --help", () => {
    expect(help()).toContain(`\n  ${flag} `);
  });
});

test("requests are logged with a flag without a value, or a variable", () => {
  expect(settingsOf([]).accessLog).toBe(false);
  expect(settingsOf(["--access-log"]).accessLog).toBe(true);
  expect(settingsOf([], { PLAYCOUNT_ACCESS_LOG: "true" }).accessLog).toBe(true);
  expect(() => settingsOf(["--access-log=on"])).toThrow("--access-log takes no value");
});

test("--help has groups, each with an example that is a valid command line", () => {
  const groups = Array.from(help().matchAll(/^(\S[^\n]*), as in: playcount (.+)$/gm));
  expect(groups.map(([, title]) => title)).toEqual([
    "Address and paths",
    "Limits of counts",
    "Storage",
    "Limits of requests",
    "Access",
    "Stop and log",
  ]);
  for (const [, , example = ""] of groups) {
    const args = example
      .replaceAll("'", "")
      .replace(/--token-file \S+/, "")
      .trim()
      .split(/ +/);
    expect(readCommandLine(args, {})).toMatchObject({ do: "serve" });
  }
});

test("the page is turned off by a flag without a value, or by a variable", () => {
  expect(settingsOf([]).page).toBe(true);
  expect(settingsOf(["--no-page"]).page).toBe(false);
  expect(settingsOf([], { PLAYCOUNT_PAGE: "false" }).page).toBe(false);
  expect(settingsOf([], { PLAYCOUNT_PAGE: "true" }).page).toBe(true);
  expect(settingsOf(["--no-page"], { PLAYCOUNT_PAGE: "true" }).page).toBe(false);
  for (const given of ["off", "0", "TRUE"])
    expect(() => settingsOf([], { PLAYCOUNT_PAGE: given })).toThrow(
      `PLAYCOUNT_PAGE must be true or false, not "${given}"`,
    );
  expect(() => settingsOf(["--no-page=false"])).toThrow("--no-page takes no value");
  expect(help()).toContain("\n  --no-page ");
});

describe("A token", () => {
  const folder = mkdtempSync(join(tmpdir(), "playcount-tokens-"));
  const path = join(folder, "token");
  writeFileSync(path, "from-a-file\n");
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is read from a file or the environment, and the file wins", () => {
    expect(settingsOf([], { PLAYCOUNT_TOKEN: "a", PLAYCOUNT_PLAY_TOKEN: "b" })).toMatchObject({
      token: "a",
      playToken: "b",
    });
    expect(settingsOf(["--token-file", path]).token).toBe("from-a-file");
    const both = settingsOf(["--play-token-file", path], { PLAYCOUNT_TOKEN: "a", PLAYCOUNT_PLAY_TOKEN: "b" });
    expect(both).toMatchObject({ token: "a", playToken: "from-a-file" });
  });

  test("is not taken from the command line, and is never shown", () => {
    for (const flag of ["--token", "--play-token"])
      expect(() => settingsOf([flag, "canary"])).toThrow(
        `unknown option ${JSON.stringify(flag)}; did you mean ${flag}-file? see --help`,
      );
    const message =
      "PLAYCOUNT_TOKEN must be a bearer token of A-Z a-z 0-9 - . _ ~ + /; character 7 is not allowed";
    expect(() => settingsOf([], { PLAYCOUNT_TOKEN: "canary bird" })).toThrow(new RangeError(message));
  });

  test.each([
    ["token", {}],
    ["playToken", { PLAYCOUNT_TOKEN: "a" }],
    ["storePassword", IN_REDIS],
  ] as const)("is read from the file that a variable names: %s", (name, environment) => {
    const variable = environmentName(name);
    writeFileSync(path, "from-a-file\n");
    expect(settingsOf([], { ...environment, [`${variable}_FILE`]: path })[name]).toBe("from-a-file");
    expect(settingsOf([], { ...environment, [`${variable}_FILE`]: "" })[name]).toBe("");
    expect(() => settingsOf([], { ...environment, [`${variable}_FILE`]: folder })).toThrow(
      /_FILE: cannot read/,
    );
    const both = { ...environment, [variable]: "a", [`${variable}_FILE`]: path };
    expect(() => settingsOf([], both)).toThrow(`${variable} and ${variable}_FILE exclude each other`);
    expect(settingsOf([`--${flagName(name)}`, path], both)[name]).toBe("from-a-file");
    expect(() => settingsOf([], { ...environment, [variable]: path })).toThrow(
      `${variable} is the path of a file; name the file by ${variable}_FILE`,
    );
  });

  test("in a file that cannot be read is an error of one line", () => {
    const missing = join(folder, "missing");
    const message = `--token-file: cannot read ${JSON.stringify(missing)}: ENOENT`;
    expect(() => settingsOf(["--token-file", missing])).toThrow(new RangeError(message));
    expect(() => settingsOf(["--token-file", folder])).toThrow(/^--token-file: cannot read "[^"]+": EISDIR$/);
    for (const written of ["a", "a\r\n", "\ufeffa\n", " a \nb\n"]) {
      writeFileSync(path, written);
      expect(settingsOf(["--token-file", path]).token).toBe("a");
    }
    for (const blank of ["", "\n", "\ufeff", " \t\nsecret\n"]) {
      writeFileSync(path, blank);
      for (const flag of ["--token-file", "--play-token-file", "--store-password-file"])
        expect(() => settingsOf([flag, path], { PLAYCOUNT_TOKEN: "a" })).toThrow(
          /the first line of .* is blank/,
        );
    }
  });

  test("has at most 4096 characters, and no more of its file is read than that needs", () => {
    const longest = "a".repeat(4096);
    const tooLong = /^\S+ must be a bearer token of .+ with at most 4096 characters$/;
    expect(settingsOf([], { PLAYCOUNT_TOKEN: longest }).token).toBe(longest);
    expect(() => settingsOf([], { PLAYCOUNT_TOKEN: `${longest}a` })).toThrow(tooLong);
    for (const written of [`${longest}a`, "a".repeat(200_000), `${" ".repeat(60_000)}${longest}a`]) {
      writeFileSync(path, written);
      expect(() => settingsOf(["--token-file", path])).toThrow(tooLong);
    }
    writeFileSync(path, `${longest}\n${"b".repeat(200_000)}`);
    expect(settingsOf(["--token-file", path]).token).toBe(longest);
    expect(() => settingsOf(["--token-file", "/dev/zero"])).toThrow(tooLong);
  });

  test("for plays requires the other token too", () => {
    const message = "PLAYCOUNT_PLAY_TOKEN requires --token-file or PLAYCOUNT_TOKEN";
    expect(() => settingsOf([], { PLAYCOUNT_PLAY_TOKEN: "b" })).toThrow(new RangeError(message));
    expect(() => createHandler(new ShardedStore(), { playToken: "b" })).toThrow(RangeError);
  });
});

test("a flag and a variable are named after the setting", () => {
  expect(settingNames().map((name) => `${flagName(name)} ${environmentName(name)}`)).toEqual(
    expect.arrayContaining(["port PLAYCOUNT_PORT", "max-id-bytes PLAYCOUNT_MAX_ID_BYTES"]),
  );
});

test("the last value of a repeated flag counts", () => {
  expect(settingsOf(["--port", "1", "--port", "2"]).port).toBe(2);
});

test("an empty value of a flag overrides the environment", () => {
  expect(settingsOf(["--base-path="], { PLAYCOUNT_BASE_PATH: "/plays" }).basePath).toBe("");
});

test.each([
  [["--help"], "help"],
  [["-h"], "help"],
  [["--version"], "version"],
  [["-v"], "version"],
  [["--version", "--help"], "help"],
  [["--port", "x", "--help"], "help"],
] as const)("%j selects %s, whatever else is set", (args, wanted) => {
  expect(readCommandLine([...args], { PLAYCOUNT_PORT: "x" })).toEqual({ do: wanted });
});

test("an empty value of any other text is refused, as an unset variable of a shell leaves it", () => {
  for (const flag of ["--data", "--store", "--allowed-hosts", "--cors-origins"])
    for (const args of [[flag, ""], [`${flag}=`]])
      expect(() => settingsOf(args)).toThrow(new RangeError(`${flag} needs a value`));
});

test("a setting of Redis is refused without Redis, except its default", () => {
  for (const [flag, value] of [
    ["--wait-replicas", "1"],
    ["--shards", "1"],
    ["--store-prefix", "a"],
    ["--store-timeout", "20"],
  ] as const) {
    const message = `${flag} requires --store or PLAYCOUNT_STORE`;
    expect(() => settingsOf([flag, value])).toThrow(new RangeError(message));
    expect(() => settingsOf([flag, value, "--data", "/d"])).toThrow(new RangeError(message));
  }
  expect(() => settingsOf([], { PLAYCOUNT_STORE_PASSWORD: "x" })).toThrow(
    new RangeError("PLAYCOUNT_STORE_PASSWORD requires --store or PLAYCOUNT_STORE"),
  );
  expect(settingsOf(["--wait-replicas", "0"]).waitReplicas).toBe(0);
});

describe("Variables that are ignored", () => {
  test("are named, with the known one that is nearest", () => {
    expect(
      noteIgnoredVariables({
        PLAYCOUNT_TOKENS: "canary",
        PLAYCOUNT_MAXSONGS: "1",
        PLAYCOUNT_COLOUR: "red",
        PLAYCOUNT_STORE_PORT: "6379",
        PLAYCOUNT_EMPTY: "",
        HOME: "/",
      }),
    ).toEqual([
      "PLAYCOUNT_TOKENS is unknown and ignored; did you mean PLAYCOUNT_TOKEN?",
      "PLAYCOUNT_MAXSONGS is unknown and ignored; did you mean PLAYCOUNT_MAX_SONGS?",
      "PLAYCOUNT_COLOUR is unknown and ignored",
      "PLAYCOUNT_STORE_PORT is unknown and ignored; did you mean PLAYCOUNT_STORE?",
    ]);
  });

  test("are not those of settings and of fold", () => {
    const known = [...settingNames().flatMap(variablesOf), "PLAYCOUNT_TO_TOKEN", "PLAYCOUNT_INTO_FILE"];
    expect(known).toContain("PLAYCOUNT_STORE_PASSWORD_FILE");
    expect(noteIgnoredVariables(Object.fromEntries(known.map((name) => [name, "1"])))).toEqual([]);
  });

  test("of a Kubernetes Service are not called unknown, and its address is not taken for a port", () => {
    const links = {
      PLAYCOUNT_PORT: "tcp://10.0.0.1:8000",
      PLAYCOUNT_SERVICE_HOST: "10.0.0.1",
      PLAYCOUNT_SERVICE_PORT: "8000",
      PLAYCOUNT_SERVICE_PORT_HTTP: "8000",
      PLAYCOUNT_PORT_8000_TCP: "tcp://10.0.0.1:8000",
      PLAYCOUNT_PORT_8000_TCP_PROTO: "tcp",
      PLAYCOUNT_PORT_8000_TCP_PORT: "8000",
      PLAYCOUNT_PORT_8000_TCP_ADDR: "10.0.0.1",
      PLAYCOUNT_REDIS_PORT: "tcp://10.0.0.2:6379",
      PLAYCOUNT_REDIS_SERVICE_HOST: "10.0.0.2",
    };
    expect(settingsOf([], links)).toEqual(DEFAULTS);
    expect(noteIgnoredVariables(links)).toEqual([
      "PLAYCOUNT_PORT is ignored: it is the address of a Kubernetes Service; enableServiceLinks: false leaves it out of the pod",
    ]);
  });
});

/** Invalid command lines, with their errors. */
const MISTAKES: readonly (readonly [string[], Record<string, string>, string])[] = [
  [["--prot", "1"], {}, 'unknown option "--prot"; did you mean --port? see --help'],
  [["-p", "1"], {}, 'unknown option "-p"; see --help'],
  [["--no-port"], {}, 'unknown option "--no-port"; see --help'],
  [["--__proto__=1"], {}, 'unknown option "--__proto__"; see --help'],
  [["--maxSongs", "1"], {}, 'unknown option "--maxSongs"; did you mean --max-songs? see --help'],
  [["--PORT", "1"], {}, 'unknown option "--PORT"; did you mean --port? see --help'],
  [["--data-dir", "1"], {}, 'unknown option "--data-dir"; did you mean --data? see --help'],
  [
    ["--store-password-fil", "1"],
    {},
    'unknown option "--store-password-fil"; did you mean --store-password-file?',
  ],
  [["--a\nb"], {}, 'unknown option "--a\\nb"; see --help'],
  [["--port"], {}, "--port needs a value"],
  [["--host", "::", "--port"], {}, "--port needs a value"],
  [["--help=yes"], {}, "--help takes no value"],
  [["8000"], {}, 'unexpected argument "8000"; see --help'],
  [["--", "8000"], {}, 'unexpected argument "8000"; see --help'],
  [["--port", "1", ""], {}, 'unexpected argument ""; see --help'],
  [["--port", "80x"], {}, '--port must be a whole number from 0 to 65535, not "80x"'],
  [["--port", "65536"], {}, "--port must be a whole number from 0 to 65535, not 65536"],
  [["--port=-1"], {}, '--port must be a whole number from 0 to 65535, not "-1"'],
  [["--port", "--host"], {}, '--port must be a whole number from 0 to 65535, not "--host"'],
  [["--port", "1e3"], {}, '--port must be a whole number from 0 to 65535, not "1e3"'],
  [["--port="], {}, '--port must be a whole number from 0 to 65535, not ""'],
  [["--host="], {}, '--host must be a host name, an IP address, unix:PATH or fd:N, not ""'],
  [["--host", "a\nb"], {}, '--host must be a host name, an IP address, unix:PATH or fd:N, not "a\\nb"'],
  [
    ["--resource", "a/b"],
    {},
    '--resource must be a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is neither folds nor health, not "a/b"',
  ],
  [["--max-id-bytes", "0"], {}, "--max-id-bytes must be a whole number from 1 to 4096, not 0"],
  [[], { PLAYCOUNT_PORT: "80 00" }, 'PLAYCOUNT_PORT must be a whole number from 0 to 65535, not "80 00"'],
  [["--port", "1"], { PLAYCOUNT_MAX_SONGS: "all" }, "PLAYCOUNT_MAX_SONGS must be a whole number from 0 to"],
];

test.each(MISTAKES)("%j with %j is refused in one line", (args, environment, message) => {
  const read = () => readCommandLine(args, environment);
  expect(read).toThrow(RangeError);
  expect(read).toThrow(message);
  expect(read).not.toThrow("\n");
});
