import process from "node:process";
import { redisCommand, untilListening, webdisCommand } from "../redis-programs.ts";
import { freePort } from "../server.ts";

// Redis that syncs each write before it answers, and webdis in front of it. Both end with this process's group.
const [port, folder] = process.argv.slice(2) as [string, string];
const redisPort = await freePort();
const stdio = { stdin: "ignore", stdout: "ignore", stderr: "inherit" } as const;
const durable = ["--appendonly", "yes", "--appendfsync", "always"];
const server = Bun.spawn(redisCommand(redisPort, folder, ...durable), stdio);
await untilListening(redisPort);
const front = Bun.spawn(webdisCommand(Number(port), redisPort, folder), { ...stdio, cwd: folder });
process.exit(await Promise.race([server.exited, front.exited]));
