import { describe, expect, test } from "bun:test";
import { environmentLookup } from "../../src/settings/environment.ts";
import { environmentName, flagName } from "../../src/settings/names.ts";
import { parseRedisAddress } from "../../src/settings/redis-address.ts";
import {
  checkSetting,
  readSettings,
  SETTINGS,
  type Settings,
  settingNames,
} from "../../src/settings/settings.ts";
import type { NumberSetting, SwitchSetting, TextSetting } from "../../src/settings/kinds.ts";

const NUMBERS = settingNames().flatMap((name) => {
  const setting = SETTINGS[name];
  return "min" in setting ? [{ name, ...setting }] : [];
});

/** The table has no annotated type, so the compiler finds a misspelled member only here. */
type MembersOf<T> = T extends unknown ? keyof T : never;
type Misspelled = Exclude<
  MembersOf<(typeof SETTINGS)[keyof Settings]>,
  keyof TextSetting | keyof NumberSetting | keyof SwitchSetting
>;

test("every row of the table has the members of a text, of a number or of a switch, and no other", () => {
  const misspelled: never[] = [] as Misspelled[];
  expect(misspelled).toBeEmpty();
});

test("every default is a valid value", () => {
  for (const name of settingNames()) {
    const value = SETTINGS[name].default;
    expect(checkSetting<keyof Settings>(name, value)).toBe(value);
    expect(checkSetting<keyof Settings>(name, undefined)).toBe(value);
  }
});

test.each(NUMBERS)("$name accepts its minimum and its maximum, and nothing beyond", ({ name, min, max }) => {
  expect(checkSetting(name, min)).toBe(min as never);
  expect(checkSetting(name, max)).toBe(max as never);
  for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, "1", null, true]) {
    expect(() => checkSetting(name, value)).toThrow(RangeError);
  }
});

test("workers accepts auto, and no other word", () => {
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
    ["", " ", "a b", "-x", ".a", "a/b", "127.0.0.1:80", "localhost:80", "::1%lo", "[::1]:80", ":", 1],
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
])("%s accepts what fits its place in a URL, and nothing else", (name, good, bad) => {
  for (const value of good) expect(checkSetting<keyof Settings>(name, value)).toBe(value);
  for (const value of bad) expect(() => checkSetting(name, value)).toThrow(RangeError);
});

test("idPattern is a regular expression that compiles", () => {
  for (const value of ["", "[0-9]{1,18}", "a|b", "\\p{L}+"])
    expect(checkSetting("idPattern", value)).toBe(value);
  for (const value of ["(", "[", "a{2,1}", "\\-", "*", ")(", "a)|(b"])
    expect(() => checkSetting("idPattern", value)).toThrow(
      `idPattern must be a regular expression, not ${JSON.stringify(value)}`,
    );
});

describe("The error for an invalid value", () => {
  const messageFor = (name: keyof Settings, value: unknown, source?: string) => {
    try {
      return String(checkSetting(name, value, source));
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("names the source, quotes the value, and says what is expected", () => {
    expect(messageFor("port", 70_000)).toBe("port must be a whole number from 0 to 65535, not 70000");
    expect(messageFor("port", "x", "--port")).toBe('--port must be a whole number from 0 to 65535, not "x"');
    expect(messageFor("resource", "a/b", "PLAYCOUNT_RESOURCE")).toBe(
      'PLAYCOUNT_RESOURCE must be a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is neither folds nor health, not "a/b"',
    );
  });

  test("quotes values that are not numbers", () => {
    expect(messageFor("maxIdBytes", Number.NaN)).toEndWith(", not NaN");
    expect(messageFor("maxIdBytes", Infinity)).toEndWith(", not Infinity");
    expect(messageFor("maxIdBytes", null)).toEndWith(", not null");
    expect(messageFor("maxIdBytes", 5n)).toStartWith(
      "maxIdBytes must be a whole number from 1 to 4096, not 5",
    );
  });
});

describe("A setting given as text", () => {
  const read = (name: keyof Settings, text: string) =>
    readSettings((wanted) => (wanted === name ? { text, source: `--${name}` } : undefined))[name];

  test("is read as the type of its default", () => {
    expect(read("port", "0")).toBe(0);
    expect(read("port", "0080")).toBe(80);
    expect(read("resource", "7")).toBe("7");
    expect(read("maxSongs", "0")).toBe(0);
  });

  test.each(["", " ", "80 ", "+80", "-1", "8e3", "0x50", "80.0", "Infinity", "65536", "9".repeat(400), "٨٠"])(
    "is refused for the port: %j",
    (text) => expect(() => read("port", text)).toThrow(/^--port must be /),
  );
});

describe("A setting's name", () => {
  test("determines its flag and its variable", () => {
    expect(flagName("maxIdBytes")).toBe("max-id-bytes");
    expect(environmentName("maxIdBytes")).toBe("PLAYCOUNT_MAX_ID_BYTES");
    expect(flagName("port")).toBe("port");
    expect(environmentName("port")).toBe("PLAYCOUNT_PORT");
  });

  test("is looked up in the environment, where empty means not set", () => {
    const lookUp = environmentLookup({
      PLAYCOUNT_PORT: "1",
      PLAYCOUNT_HOST: "",
      PLAYCOUNT_MAX_SONGS: 5,
      port: "2",
    });
    expect(lookUp("port")).toEqual({ text: "1", source: "PLAYCOUNT_PORT" });
    expect(lookUp("maxSongs")).toEqual({ text: "5", source: "PLAYCOUNT_MAX_SONGS" });
    expect(lookUp("host")).toBeUndefined();
    expect(lookUp("resource")).toBeUndefined();
    expect(readSettings(lookUp)).toMatchObject({ port: 1, maxSongs: 5, host: "127.0.0.1" });
  });
});

test("variables that Kubernetes sets for a Service named playcount are not settings", () => {
  for (const address of ["tcp://10.0.0.1:8000", "udp://10.0.0.1:8000"])
    expect(environmentLookup({ PLAYCOUNT_PORT: address })("port")).toBeUndefined();
  expect(environmentLookup({ PLAYCOUNT_STORE: "tcp://10.0.0.1:6379" })("store")).toBeDefined();
});

describe("A secret from the environment", () => {
  const tokenOf = (environment: Record<string, string>) => environmentLookup(environment)("token")?.text;

  test("loses its line ends, and nothing else", () => {
    for (const end of ["", "\n", "\r\n", "\n\n"]) expect(tokenOf({ PLAYCOUNT_TOKEN: `a${end}` })).toBe("a");
    const lookUp = environmentLookup({ PLAYCOUNT_STORE_PASSWORD: " a b \n" });
    expect(lookUp("storePassword")?.text).toBe(" a b ");
  });

  test("is not blank", () => {
    for (const blank of [" ", "\n", "\t\r\n"])
      expect(() => tokenOf({ PLAYCOUNT_TOKEN: blank })).toThrow(/^PLAYCOUNT_TOKEN is blank/);
    expect(tokenOf({ PLAYCOUNT_TOKEN: "" })).toBeUndefined();
  });

  test("cannot be in a file where no files are", () => {
    expect(() => tokenOf({ PLAYCOUNT_TOKEN_FILE: "/run/secrets/token" })).toThrow(
      /^PLAYCOUNT_TOKEN_FILE is of no use here/,
    );
  });

  test("is told apart by the place of what is wrong, not by its text", () => {
    const read = (name: keyof Settings, value: string) => () => checkSetting(name, value, "X");
    expect(read("token", "canary bird")).toThrow(/^X must be a bearer token .*; character 7 is not allowed$/);
    expect(read("token", "=")).toThrow(/; character 1 is not allowed$/);
    expect(read("token", "a=b")).toThrow(/; character 3 is not allowed$/);
    expect(read("storePassword", "ab\nc")).toThrow(/^X must be one line; character 3 is not allowed$/);
  });
});

test.each([
  "redis://localhost",
  "redis://10.0.0.1:6379/3",
  "rediss://me@a.example:1",
  "REDIS://localhost:6379/",
  "redis://[::1]:65535",
  "redis://a:7000,b:7001,[fd00::1]:7002",
])("%p is a valid address of Redis", (store) => expect(checkSetting("store", store)).toBe(store));

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
])("%p is not an address of Redis, and the error does not quote it", (store) => {
  const refused = () => checkSetting("store", store);
  expect(refused).toThrow(
    /^store must be redis:\/\/ or rediss:\/\/, .*; the password belongs in --store-password-file$/,
  );
});

test("an address of Redis has the default port, the default user and database 0", () => {
  expect(parseRedisAddress("redis://localhost")).toEqual({
    isEncrypted: false,
    user: "",
    servers: ["localhost:6379"],
    database: 0,
  });
  expect(parseRedisAddress("REDISS://a%2Fb@[::1]:7/3")).toEqual({
    isEncrypted: true,
    user: "a/b",
    servers: ["[::1]:7"],
    database: 3,
  });
  for (const user of ["a%zz", "%ff", "%"])
    expect(() => parseRedisAddress(`redis://${user}@h`)).toThrow(RangeError);
  expect(parseRedisAddress("redis://a:7000,[::1],b").servers).toEqual(["a:7000", "[::1]:6379", "b:6379"]);
  expect(() => parseRedisAddress("")).toThrow(RangeError);
});

test("an address of Redis may end with a slash, and has database 0", () => {
  expect(parseRedisAddress("REDIS://h:6379/")).toMatchObject({ servers: ["h:6379"], database: 0 });
});

test("an address to listen on has no brackets", () => {
  expect(checkSetting("host", "[::1]")).toBe("::1");
  expect(checkSetting("host", "::FFFF:127.0.0.1")).toBe("::FFFF:127.0.0.1");
});

test("hosts that no request can have are refused", () => {
  for (const hosts of [
    "h:8000",
    "::1",
    "a,h:80",
    "[::1]:80",
    "*",
    "*.a",
    "a,",
    ",",
    "http://h",
    "h/",
    ".[::1]",
  ])
    expect(() => checkSetting("allowedHosts", hosts)).toThrow(
      `allowedHosts must be host names without ports, separated by commas; IPv6 addresses in brackets, not "${hosts}"`,
    );
});

test("hosts are brought to the form in which requests are compared with them", () => {
  const hosts = "A.Example.,127.1,[0:0:0:0:0:0:0:1],.B.example.,a_b,[::FFFF:127.0.0.1]";
  expect(checkSetting("allowedHosts", hosts)).toBe(
    "a.example,127.0.0.1,[::1],.b.example,a_b,[::ffff:7f00:1]",
  );
});

test("origins are brought to the form in which browsers send them", () => {
  const origins = "https://H:443,http://h:80,https://h:80,http://[0:0::1]:3000";
  expect(checkSetting("corsOrigins", origins)).toBe("https://h,http://h,https://h:80,http://[::1]:3000");
});

test("origins that no browser sends are refused", () => {
  for (const origins of [
    "*",
    "null",
    "h",
    "https://h/",
    "https://h:0",
    "https://h:65536",
    "https://::1",
    "ws://h",
  ])
    expect(() => checkSetting("corsOrigins", origins)).toThrow(RangeError);
});

test("the number of shards is a power of two from 1 to 16384", () => {
  for (const shards of [1, 2, 1024, 16_384]) expect(checkSetting("shards", shards)).toBe(shards);
  for (const shards of [0, 3, 1000, 32_768, 1.5, -2])
    expect(() => checkSetting("shards", shards)).toThrow(
      `shards must be a power of two from 1 to 16384, not ${shards}`,
    );
});
