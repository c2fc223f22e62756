import { canonicalHosts, canonicalOrigins, HOST, HOSTS, ORIGINS, withoutBrackets } from "./hosts.ts";
import { STORE_SETTINGS } from "./store-settings.ts";

/** RFC 6750 §2.1. */
const TOKEN = /^(?:[A-Za-z0-9._~+/-]+=*)?$/;
const TOKEN_EXPECTED = "a bearer token of A-Z a-z 0-9 - . _ ~ + /";

const FORMAT = /^(?:text|json)$/;
const FORMAT_EXPECTED = "text or json";

/** Accepts what compiles. A regular expression cannot tell. */
const VALID_REGEX = {
  test(source: string): boolean {
    try {
      return new RegExp(source, "u") instanceof RegExp;
    } catch {
      return false;
    }
  },
};

/** Settings of what is served, and where. */
export const SERVICE_SETTINGS = {
  host: {
    default: "127.0.0.1",
    placeholder: "HOST",
    pattern: HOST as RegExp,
    canonical: withoutBrackets as (value: string) => string,
    expected: "a host name, an IP address, unix:PATH or fd:N",
    help: "address to listen on; 0.0.0.0 or :: for all interfaces; unix:PATH for a Unix socket; fd:N for one that is open already, on Node",
  },
  socketMode: {
    default: "660",
    placeholder: "MODE",
    pattern: /^[0-7]{3}$/ as RegExp,
    expected: "three octal digits, as in 660",
    help: "mode of the Unix socket, in octal",
  },
  port: { default: 8000, min: 0, max: 65_535, help: "port to listen on; 0 for any free port" },
  workers: {
    default: 1 as number | "auto",
    min: 1,
    max: 64,
    word: "auto" as const,
    help: "threads that serve requests; auto for one per core; more than 1 requires Bun",
  },
  resource: {
    default: "song",
    placeholder: "NAME",
    pattern: /^(?!(?:folds|health)$)[A-Za-z0-9_][A-Za-z0-9_.~-]*$/ as RegExp,
    expected:
      "a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is neither folds nor health",
    help: "name of what is counted, as in /song/ID",
  },
  basePath: {
    default: "",
    placeholder: "PATH",
    canBeEmpty: true,
    pattern: /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*$/ as RegExp,
    expected: "a path of A-Z a-z 0-9 _ . ~ - that begins with a slash and ends without one, as in /plays",
    help: "prefix of all paths, as in /plays",
  },
  defaultFormat: {
    default: "text" as "text" | "json",
    placeholder: "FORMAT",
    pattern: FORMAT as RegExp,
    expected: FORMAT_EXPECTED as string,
    help: "text or json, for clients that accept both alike, as those without an Accept do",
  },
  page: { default: true as boolean, help: "page for people at /, for browsers" },
  maxSongs: {
    default: 10_000_000,
    min: 0,
    max: 1_099_511_627_776,
    help: "maximum number of songs; a further song is refused with 507",
  },
  maxIdBytes: { default: 512, min: 1, max: 4096, help: "longest song id, in bytes of UTF-8" },
  idPattern: {
    default: "",
    placeholder: "REGEX",
    emptyMeans: "every id",
    pattern: VALID_REGEX as Pick<RegExp, "test">,
    expected: "a regular expression",
    help: "regular expression that the whole id of a played song must match, as [0-9]{1,18}",
  },
  maxFolds: {
    default: 16,
    min: 1,
    max: 64,
    help: "maximum number of sealed folds that are not acknowledged",
  },
  maxWriters: {
    default: 100_000,
    min: 1,
    max: 1_000_000,
    help: "writers whose last request is remembered, so that a retry is not counted twice",
  },
  maxStoreBytes: {
    default: 4_294_967_296,
    min: 1_048_576,
    max: 4_294_967_296, // Bun's largest buffer
    help: "memory for songs, in bytes; reserved at the start, and used as songs are added",
  },
};

/** Settings of requests and of the process. */
export const REQUEST_SETTINGS = {
  maxBodyBytes: { default: 16_777_216, min: 1, max: 1_073_741_824, help: "longest request body, in bytes" },
  bodySeconds: {
    default: 30,
    min: 1,
    max: 300,
    help: "time that a request body may take to arrive, in seconds",
  },
  maxPendingBytes: {
    default: 67_108_864,
    min: 1,
    max: 1_099_511_627_776,
    help: "bytes of the batches that may be under way at a time, and 60 for each of their songs, for each worker; more are refused with 503",
  },
  maxBatchSongs: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    help: "maximum number of songs in a batch, a song that is listed twice counted twice",
  },
  maxStreams: { default: 10_000, min: 0, max: 1_000_000, help: "streams that may be open, of all workers" },
  maxStreamSongs: { default: 100_000, min: 1, max: 10_000_000, help: "songs that a worker may stream" },
  streamSeconds: { default: 600, min: 1, max: 86_400, help: "life of a stream in seconds, random by 20 %" },
  streamIdleSeconds: { default: 60, min: 1, max: 3600, help: "seconds that a stream waits for its client" },
  token: {
    default: "",
    placeholder: "PATH",
    isSecret: true,
    pattern: TOKEN as RegExp,
    expected: TOKEN_EXPECTED as string,
    help: "bearer token that DELETE, PUT and POST /batch require",
  },
  playToken: {
    default: "",
    placeholder: "PATH",
    isSecret: true,
    pattern: TOKEN as RegExp,
    expected: TOKEN_EXPECTED as string,
    requires: "token" as const,
    help: "bearer token that plays require; needs PLAYCOUNT_TOKEN too",
  },
  corsOrigins: {
    default: "",
    placeholder: "ORIGINS",
    pattern: ORIGINS as RegExp,
    canonical: canonicalOrigins as (value: string) => string,
    expected: "origins as https://example.com, separated by commas",
    help: "origins of other sites whose pages may read and play, separated by commas",
  },
  allowedHosts: {
    default: "",
    placeholder: "HOSTS",
    emptyMeans: "all; on a loopback address only loopback names",
    pattern: HOSTS as RegExp,
    canonical: canonicalHosts as (value: string) => string,
    expected: "host names without ports, separated by commas; IPv6 addresses in brackets",
    help: "host names to serve, separated by commas; .example.com is all its subdomains, not itself",
  },
  drainSeconds: {
    default: 0,
    min: 0,
    max: 3600,
    help: "time to go on serving after a signal to stop, with /health at 503, in seconds",
  },
  shutdownSeconds: {
    default: 10,
    min: 0,
    max: 3600,
    help: "time that open requests may take when the server stops, in seconds",
  },
  log: {
    default: "text" as "text" | "json",
    placeholder: "FORMAT",
    pattern: FORMAT as RegExp,
    expected: FORMAT_EXPECTED as string,
    help: "format of the log; json for an object a line",
  },
  accessLog: { default: false as boolean, help: "log of each request, with its status and duration" },
};

/**
 * All settings. Each row is an option, a flag, an environment variable, a line of `--help`, and a row of
 * docs/settings.md. The type of its default is the type of the setting.
 */
export const SETTINGS: typeof SERVICE_SETTINGS & typeof STORE_SETTINGS & typeof REQUEST_SETTINGS = {
  ...SERVICE_SETTINGS,
  ...STORE_SETTINGS,
  ...REQUEST_SETTINGS,
};

/** The value of every setting. */
export type Settings = { [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]["default"] };
