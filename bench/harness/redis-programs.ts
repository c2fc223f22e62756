import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, versionOf } from "./programs.ts";

const HOW_TO_GET_REDIS = "apt-get install redis-server webdis";

const SECONDS_TO_LISTEN = 10;

/**
 * Returns the command of a Redis on a port of 127.0.0.1, with its files in `folder`. Default: no snapshots.
 */
export function redisCommand(port: number, folder: string, ...options: string[]): string[] {
  const address = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  return [findProgram("redis-server", HOW_TO_GET_REDIS), ...address, "--save", "", ...options];
}

/** Returns the command of a webdis for a Redis that listens, with its settings in `folder`. */
export function webdisCommand(port: number, redisPort: number, folder: string): string[] {
  const settings = {
    redis_host: "127.0.0.1",
    redis_port: redisPort,
    http_host: "127.0.0.1",
    http_port: port,
    threads: 2,
    daemonize: false,
    database: 0,
    verbosity: 0,
    logfile: join(folder, "webdis.log"),
  };
  const path = join(folder, "webdis.json");
  writeFileSync(path, JSON.stringify(settings));
  return [findProgram("webdis", HOW_TO_GET_REDIS), path];
}

/**
 * Resolves when a server listens on a port of 127.0.0.1. webdis sends no answer before its Redis listens.
 *
 * @throws {Error} if no server listens within some seconds.
 */
export async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + SECONDS_TO_LISTEN * 1000;
  while (!(await listens(port))) {
    if (performance.now() > deadline)
      throw new Error(`no server listens on port ${port} after ${SECONDS_TO_LISTEN} s`);
    await Bun.sleep(10);
  }
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).end();
    return true;
  } catch {
    return false;
  }
}

/** @throws {Error} that tells how to install redis-benchmark, if it is not installed. */
export function findRedisBenchmark(): string {
  return findProgram("redis-benchmark", "apt-get install redis-tools");
}

/** @throws {Error} that tells how to install Redis and webdis, if one of them is not installed. */
export function redisVersions(): Record<string, string> {
  findProgram("webdis", HOW_TO_GET_REDIS); // webdis prints no version
  const redis = findProgram("redis-server", HOW_TO_GET_REDIS);
  return { redis: versionOf([redis, "--version"], /v=(\S+)/, HOW_TO_GET_REDIS) };
}
