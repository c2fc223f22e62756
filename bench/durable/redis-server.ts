import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

// Redis that syncs each write before it answers, and webdis in front of it. Both end with this process's group.
const [port, folder, redis, webdis] = process.argv.slice(2) as [string, string, string, string];
const free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
const redisPort = free.port;
free.stop(true);
const config = join(folder, "webdis.json");
writeFileSync(
  config,
  JSON.stringify({
    redis_host: "127.0.0.1",
    redis_port: redisPort,
    http_host: "127.0.0.1",
    http_port: Number(port),
    threads: 2,
    daemonize: false,
    database: 0,
    verbosity: 0,
    logfile: join(folder, "webdis.log"),
  }),
);
const options = ["--bind", "127.0.0.1", "--port", String(redisPort), "--dir", folder, "--save", ""];
const durable = ["--appendonly", "yes", "--appendfsync", "always"];
const stdio = { stdin: "ignore", stdout: "ignore", stderr: "inherit" } as const;
const server = Bun.spawn([redis, ...options, ...durable], stdio);
// webdis answers with nothing at all as long as Redis does not listen.
while (!(await listens())) await Bun.sleep(10);
const front = Bun.spawn([webdis, config], { ...stdio, cwd: folder });
process.exit(await Promise.race([server.exited, front.exited]));

async function listens(): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port: redisPort, socket: { data() {} } })).end();
    return true;
  } catch {
    return false;
  }
}
