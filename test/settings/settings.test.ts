import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  environmentName,
  flagName,
  fromEnvironment,
  readSettings,
  SETTINGS,
  type Settings,
  settingNames,
  checkSetting,
} from "../../src/settings/settings.ts";

const NUMBERS = settingNames().flatMap((name) => {
  const setting = SETTINGS[name];
  return "min" in setting ? [{ name, ...setting }] : [];
});

test("the defaults are those that the README names", () => {
  expect(readSettings(() => undefined)).toEqual({
    host: "127.0.0.1",
    port: 8000,
    workers: 1,
    resource: "song",
    basePath: "",
    maxSongs: 10_000_000,
    maxIdBytes: 512,
    maxFolds: 16,
    maxWriters: 100_000,
    maxStoreBytes: 4_294_967_296,
    data: "",
    store: "",
    storePassword: "",
    storePrefix: "playcount",
    storeTimeout: 1000,
    shards: 1024,
    waitReplicas: 0,
    maxWaiting: 10_000,
    maxBodyBytes: 16_777_216,
    token: "",
    playToken: "",
    corsOrigins: "",
    allowedHosts: "",
    shutdownSeconds: 10,
  });
});

test("the README's table has every setting, with its default", () => {
  const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
  const rows = Array.from(
    readme.matchAll(/^\| `--([\w-]+)` +\| `(\w+)` +\| ([^|]*?) *\|/gm),
    ([, ...row]) => row,
  );
  const units: Record<string, number> = { MiB: 2 ** 20, GiB: 2 ** 30 };
  const shown = rows.map(([flag, variable, value = ""]) => {
    const [, digits, unit = ""] = /^([\d,]+)(?: (MiB|GiB))?$/.exec(value) ?? [];
    return [
      flag,
      variable,
      digits === undefined ? value : Number(digits.replaceAll(",", "")) * (units[unit] ?? 1),
    ];
  });
  const wanted = settingNames().map((name) => [
    flagName(name),
    environmentName(name),
    SETTINGS[name].default,
  ]);
  expect(shown.sort()).toEqual(wanted.sort());
});

test("every default is a value that the setting may have", () => {
  for (const name of settingNames()) {
    const value = SETTINGS[name].default;
    expect(checkSetting<keyof Settings>(name, value)).toBe(value);
    expect(checkSetting<keyof Settings>(name, undefined)).toBe(value);
  }
});

test.each(NUMBERS)("$name may be its least and its most, and nothing beyond", ({ name, min, max }) => {
  expect(checkSetting(name, min)).toBe(min as never);
  expect(checkSetting(name, max)).toBe(max as never);
  for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, "1", null, true]) {
    expect(() => checkSetting(name, value)).toThrow(RangeError);
  }
});

test("workers may be auto, and no other word", () => {
  expect(checkSetting("workers", "auto")).toBe("auto");
  expect(() => checkSetting("workers", "all", "--workers")).toThrow(
    '--workers must be a whole number from 1 to 64 or auto, not "all"',
  );
  expect(() => checkSetting("port", "auto")).toThrow(RangeError);
});

test.each<[keyof Settings, string[], unknown[]]>([
  [
    "host",
    ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost", "a-b.example"],
    ["", " ", "a b", "-x", ".a", "a/b", 1],
  ],
  [
    "resource",
    ["song", "video", "a.b", "x_~-9", "7"],
    ["", ".", "..", ".a", "folds", "a/b", "a b", ":id", "é", "a%20b", 1],
  ],
  [
    "basePath",
    ["", "/a", "/a/b.c", "/~x/_y"],
    ["/", "a", "/a/", "//a", "/a//b", "/..", "/a/.b", "/:a", "/*", null],
  ],
])("%s may be what can stand there", (name, good, bad) => {
  for (const value of good) expect(checkSetting<keyof Settings>(name, value)).toBe(value);
  for (const value of bad) expect(() => checkSetting(name, value)).toThrow(RangeError);
});

describe("What is wrong is said", () => {
  const messageFor = (name: keyof Settings, value: unknown, where?: string) => {
    try {
      return String(checkSetting(name, value, where));
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("with the place, the value, and what is wanted", () => {
    expect(messageFor("port", 70_000)).toBe("port must be a whole number from 0 to 65535, not 70000");
    expect(messageFor("port", "x", "--port")).toBe('--port must be a whole number from 0 to 65535, not "x"');
    expect(messageFor("resource", "a/b", "PLAYCOUNT_RESOURCE")).toBe(
      'PLAYCOUNT_RESOURCE must be a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is not folds, not "a/b"',
    );
  });

  test("of numbers that are none as well", () => {
    expect(messageFor("maxIdBytes", Number.NaN)).toEndWith(", not NaN");
    expect(messageFor("maxIdBytes", Infinity)).toEndWith(", not Infinity");
    expect(messageFor("maxIdBytes", null)).toEndWith(", not null");
    expect(messageFor("maxIdBytes", 5n)).toStartWith(
      "maxIdBytes must be a whole number from 1 to 4096, not 5",
    );
  });
});

describe("Settings that are written", () => {
  const read = (name: keyof Settings, value: string) =>
    readSettings((asked) => (asked === name ? { value, where: `--${name}` } : undefined))[name];

  test("are read as what they are", () => {
    expect(read("port", "0")).toBe(0);
    expect(read("port", "0080")).toBe(80);
    expect(read("resource", "7")).toBe("7");
    expect(read("maxSongs", "0")).toBe(0);
  });

  test.each(["", " ", "80 ", "+80", "-1", "8e3", "0x50", "80.0", "Infinity", "65536", "9".repeat(400), "٨٠"])(
    "are refused if the port is %j",
    (value) => expect(() => read("port", value)).toThrow(/^--port must be /),
  );
});

describe("Names", () => {
  test("of flags and variables follow from those of the options", () => {
    expect(flagName("maxIdBytes")).toBe("max-id-bytes");
    expect(environmentName("maxIdBytes")).toBe("PLAYCOUNT_MAX_ID_BYTES");
    expect(flagName("port")).toBe("port");
    expect(environmentName("port")).toBe("PLAYCOUNT_PORT");
  });

  test("are looked up in the environment, where empty means not set", () => {
    const find = fromEnvironment({
      PLAYCOUNT_PORT: "1",
      PLAYCOUNT_HOST: "",
      PLAYCOUNT_MAX_SONGS: 5,
      port: "2",
    });
    expect(find("port")).toEqual({ value: "1", where: "PLAYCOUNT_PORT" });
    expect(find("maxSongs")).toEqual({ value: "5", where: "PLAYCOUNT_MAX_SONGS" });
    expect(find("host")).toBeUndefined();
    expect(find("resource")).toBeUndefined();
    expect(readSettings(find)).toMatchObject({ port: 1, maxSongs: 5, host: "127.0.0.1" });
  });
});

test.each([
  "redis://localhost",
  "redis://10.0.0.1:6379/3",
  "rediss://me@a.example:1",
  "redis://[::1]:65535",
  "redis://a:7000,b:7001,[fd00::1]:7002",
])("%p is where counts may be", (store) => expect(checkSetting("store", store)).toBe(store));

test.each([
  "redis://",
  "localhost:6379",
  "http://localhost:6379",
  "redis://me:secret@localhost",
  "redis://localhost:0",
  "redis://localhost:65536",
  "redis://a,b/3",
  "redis://a,",
  "redis://a b",
  "redis://a?db=3",
])("%p is not, and is not repeated", (store) => {
  const refused = () => checkSetting("store", store);
  expect(refused).toThrow(/^store must be redis:\/\/ or rediss:\/\/, .*and no password$/);
});

test("a number of shards is a power of two, 1 to 16384", () => {
  for (const shards of [1, 2, 1024, 16_384]) expect(checkSetting("shards", shards)).toBe(shards);
  for (const shards of [0, 3, 1000, 32_768, 1.5, -2])
    expect(() => checkSetting("shards", shards)).toThrow(
      `shards must be a power of two from 1 to 16384, not ${shards}`,
    );
});
