import { REDIS_ADDRESS } from "./redis-address.ts";

/** Settings of the place where counts are kept: rows of the table of all settings. */
export const STORE_SETTINGS = {
  data: {
    default: "",
    placeholder: "DIR",
    emptyMeans: "memory only",
    pattern: /^[^\0]*$/ as RegExp,
    expected: "the path of a directory",
    help: "directory to keep counts in, durable across crashes",
  },
  store: {
    default: "",
    placeholder: "ADDRESS",
    mayContainSecret: true,
    pattern: REDIS_ADDRESS as RegExp,
    expected:
      "redis:// or rediss://, an optional USER@, and the HOST:PORT of one or several servers; the password belongs in --store-password-file",
    help: "Redis to keep counts in, one server or a cluster, as redis://HOST:PORT,HOST:PORT; requires Bun",
  },
  storePassword: {
    default: "",
    placeholder: "PATH",
    isSecret: true,
    pattern: /^[^\r\n\0]*$/ as RegExp,
    expected: "one line",
    requires: "store" as const,
    help: "password of Redis",
  },
  storePrefix: {
    default: "playcount",
    placeholder: "PREFIX",
    pattern: /^[\w.-]{1,64}$/ as RegExp, // a colon separates it from the rest of a key
    expected: "1 to 64 of A-Z a-z 0-9 _ . -",
    requires: "store" as const,
    help: "prefix of all keys in Redis",
  },
  storeTimeout: {
    default: 1000,
    min: 10,
    max: 60_000,
    requires: "store" as const,
    help: "time that Redis may take to reply, in milliseconds",
  },
  shards: {
    default: 128,
    min: 1,
    max: 16_384,
    isPowerOfTwo: true,
    requires: "store" as const,
    help: "parts that the counts in Redis are divided into, a power of two; cannot be changed later",
  },
  waitReplicas: {
    default: 0,
    min: 0,
    max: 16,
    requires: "store" as const,
    help: "replicas of Redis that must confirm a play before it is answered",
  },
  maxWaiting: {
    default: 10_000,
    min: 1,
    max: 1_048_576,
    help: "requests that may wait for the disk or Redis, for each worker; a batch counts as 1 for each 100 songs; more are refused with 503",
  },
};
