/** Everything that can be set. Each setting is an option, a flag, and an environment variable. */
export interface Settings {
  host: string;
  port: number;
  workers: number | "auto";
  resource: string;
  basePath: string;
  maxSongs: number;
  maxIdBytes: number;
  maxFolds: number;
  maxWriters: number;
  maxStoreBytes: number;
  data: string;
  store: string;
  storePassword: string;
  storePrefix: string;
  storeTimeout: number;
  shards: number;
  waitReplicas: number;
  maxWaiting: number;
  maxBodyBytes: number;
  token: string;
  playToken: string;
  corsOrigins: string;
  allowedHosts: string;
  shutdownSeconds: number;
}

export interface TextSetting {
  default: string;
  /** Whether it must never be shown: it cannot be on a command line, which all users of a machine can read. */
  isSecret?: true;
  /** Whether somebody may have written a secret into it by mistake. */
  isUnquoted?: true;
  pattern: RegExp;
  wanted: string;
  help: string;
}

export interface NumberSetting {
  default: number;
  min: number;
  max: number;
  /** A word that may stand for a number. */
  word?: "auto";
  isPowerOfTwo?: true;
  help: string;
}

/** RFC 6750 §2.1. */
const TOKEN = /^(?:[A-Za-z0-9._~+/-]+=*)?$/;

const PORT = String.raw`:(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])`;
const SERVER = String.raw`(?:[\w.-]+|\[[\da-f:.]+\])(?:${PORT})?`;
/** Several servers are those of a cluster, which has no databases. */
const STORE = new RegExp(
  String.raw`^(?:rediss?://(?:[\w.%-]+@)?${SERVER}(?:(?:,${SERVER})+|/\d{1,5})?)?$`,
  "i",
);

/** What each setting is by default, may be, and means. */
export const SETTINGS: {
  readonly [K in keyof Settings]: Settings[K] extends string ? TextSetting : NumberSetting;
} = {
  host: {
    default: "127.0.0.1",
    pattern: /^[\w:][\w.:-]*$/,
    wanted: "a host name or an IP address",
    help: "address to listen on; 0.0.0.0 or :: for all",
  },
  port: { default: 8000, min: 0, max: 65_535, help: "port to listen on; 0 for any that is free" },
  workers: {
    default: 1,
    min: 1,
    max: 64,
    word: "auto",
    help: "threads that serve; auto for as many as there are cores; more than 1 on Bun only",
  },
  resource: {
    default: "song",
    pattern: /^(?!folds$)[A-Za-z0-9_][A-Za-z0-9_.~-]*$/,
    wanted: "a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is not folds",
    help: "what is counted, as the path says it: /song/ID",
  },
  basePath: {
    default: "",
    pattern: /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*$/,
    wanted: "a path of A-Z a-z 0-9 _ . ~ - that begins with a slash and ends without one, as in /plays",
    help: "path in front of every other",
  },
  maxSongs: { default: 10_000_000, min: 0, max: 2 ** 40, help: "songs there is room for" },
  maxIdBytes: { default: 512, min: 1, max: 4096, help: "longest id, in bytes of UTF-8" },
  maxFolds: { default: 16, min: 1, max: 64, help: "folds that may be sealed and not acknowledged" },
  maxWriters: {
    default: 100_000,
    min: 1,
    max: 1_000_000,
    help: "clients whose last request is kept, so that it can be sent again",
  },
  maxStoreBytes: {
    default: 2 ** 32,
    min: 2 ** 20,
    max: 2 ** 32, // the largest buffer of memory that Bun has
    help: "memory for songs, in bytes, reserved at the start and used as songs come",
  },
  data: {
    default: "",
    pattern: /^[^\0]*$/,
    wanted: "the path of a folder",
    help: "folder that counts are kept in, across crashes; none unless told: in memory only",
  },
  store: {
    default: "",
    pattern: STORE,
    wanted:
      "redis:// or rediss://, USER@ if there is one, HOST:PORT of one or several servers, and no password",
    isUnquoted: true,
    help: "Redis that has the counts, one server or a cluster: redis://HOST:PORT,HOST:PORT",
  },
  storePassword: {
    default: "",
    isSecret: true,
    pattern: /^[^\r\n\0]*$/,
    wanted: "one line",
    help: "has the password of Redis",
  },
  storePrefix: {
    default: "playcount",
    pattern: /^[\w.-]{1,64}$/, // a colon is what separates it from what comes behind
    wanted: "1 to 64 of A-Z a-z 0-9 _ . -",
    help: "what all keys in Redis begin with",
  },
  storeTimeout: {
    default: 1000,
    min: 10,
    max: 60_000,
    help: "milliseconds that Redis may take to answer",
  },
  shards: {
    default: 1024,
    min: 1,
    max: 16_384,
    isPowerOfTwo: true,
    help: "parts that the counts in Redis are divided into, a power of two; stays as it is",
  },
  waitReplicas: {
    default: 0,
    min: 0,
    max: 16,
    help: "replicas of Redis that have to have a play before it is answered",
  },
  maxWaiting: {
    default: 10_000,
    min: 1,
    max: 2 ** 20,
    help: "requests that may wait for the disk or for Redis",
  },
  maxBodyBytes: { default: 16 * 1024 * 1024, min: 1, max: 2 ** 30, help: "longest request body, in bytes" },
  token: {
    default: "",
    isSecret: true,
    pattern: TOKEN,
    wanted: "a bearer token of A-Z a-z 0-9 - . _ ~ + /",
    help: "has the token that DELETE, PUT and batches need",
  },
  playToken: {
    default: "",
    isSecret: true,
    pattern: TOKEN,
    wanted: "a bearer token of A-Z a-z 0-9 - . _ ~ + /",
    help: "has the token that plays need",
  },
  corsOrigins: {
    default: "",
    pattern: /^(?:https?:\/\/[\w.:[\]-]+(?:,(?!$)|$))*$/,
    wanted: "origins as https://example.com, with commas between",
    help: "origins of other servers' pages that may read and play",
  },
  allowedHosts: {
    default: "",
    pattern: /^(?:\.?[\w:[\]-][\w.:[\]-]*(?:,(?!$)|$))*$/,
    wanted: "host names, with commas between",
    help: "hosts that are served; loopback names if it listens there, or else all",
  },
  shutdownSeconds: {
    default: 10,
    min: 0,
    max: 3600,
    help: "how long requests under way may take when stopping",
  },
};
