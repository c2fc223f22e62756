/**
 * `bun redis-server.ts PORT FOLDER` starts a Redis that syncs each write before its answer, and a webdis in
 * front of it. Both end with the process group.
 */
import process from "node:process";
import { redisCommand, untilListening, webdisCommand } from "../harness/redis-programs.ts";
import { freePort } from "../harness/server.ts";

const [port, folder] = process.argv.slice(2) as [string, string];
const redisPort = await freePort();
const stdio = { stdin: "ignore", stdout: "ignore", stderr: "inherit" } as const;
const durable = ["--appendonly", "yes", "--appendfsync", "always"];
const redis = Bun.spawn(redisCommand(redisPort, folder, ...durable), stdio);
await untilListening(redisPort);
const webdis = Bun.spawn(webdisCommand(Number(port), redisPort, folder), { ...stdio, cwd: folder });
process.exit(await Promise.race([redis.exited, webdis.exited]));
