import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, versionOf } from "./programs.ts";

const HOW_TO_GET_REDIS = "apt-get install redis-server webdis";

const SECONDS_TO_LISTEN = 10;

/** Starts Redis on a port of 127.0.0.1, with what it keeps in a folder: nothing unless `options` say so. */
export function redisCommand(port: number, folder: string, ...options: string[]): string[] {
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  return [findProgram("redis-server", HOW_TO_GET_REDIS), ...where, "--save", "", ...options];
}

/** Starts webdis in front of a Redis that listens, with its settings in a folder. */
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
 * Resolves when something listens on a port of 127.0.0.1: webdis answers with nothing at all as long as Redis does not.
 *
 * @throws {Error} if nothing does for a long time.
 */
export async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + SECONDS_TO_LISTEN * 1000;
  while (!(await listens(port))) {
    if (performance.now() > deadline) throw new Error(`nothing listens on port ${port}`);
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

/** @throws {Error} that tells how to get it, if something is not installed. */
export function redisVersions(): Record<string, string> {
  findProgram("webdis", HOW_TO_GET_REDIS); // which does not tell its version
  const redis = findProgram("redis-server", HOW_TO_GET_REDIS);
  return { redis: versionOf([redis, "--version"], /v=(\S+)/, HOW_TO_GET_REDIS) };
}
