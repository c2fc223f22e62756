import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { diagnose } from "../../../src/store/redis/cluster/diagnosis.ts";
import type { ConnectionOptions } from "../../../src/store/redis/cluster/options.ts";
import { Certificate } from "./support/certificate.ts";
import { stopAll, stopLater } from "./support/clean-up.ts";
import { freePort } from "../../support/ports.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

const PLAIN: ConnectionOptions = { isEncrypted: false, user: "", password: "", database: 0, timeout: 300 };
const TLS = { ...PLAIN, isEncrypted: true };
const OTHER = "another service listens there, not Redis";

/** Starts a service that sends `greeting` to each client. Returns its address. */
function service(greeting: string): string {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (greeting === "close" ? socket.end() : socket.write(greeting)),
      data() {},
    },
  });
  stopLater({ stop: () => listener.stop(true) });
  return `127.0.0.1:${listener.port}`;
}

testWithRedis("Each reason why Redis cannot be used has a sentence of its own", async () => {
  const redis = await RedisServer.start();
  const other = await RedisServer.start();
  await other.ask("CONFIG", "SET", "requirepass", "secret");
  const guarded = other.address;
  const port = await freePort();
  await RedisServer.start(new Certificate().options(port));
  const encrypted = `127.0.0.1:${port}`;
  const web = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hi") });
  stopLater({ stop: () => void web.stop(true) });
  for (const [address, options, reason] of [
    [guarded, PLAIN, "it requires a password"],
    [guarded, { ...PLAIN, password: "wrong" }, "it rejects the user or the password"],
    [guarded, { ...PLAIN, user: "nobody", password: "secret" }, "it rejects the user or the password"],
    [`127.0.0.1:${await freePort()}`, PLAIN, "it refuses connections: no server listens there"],
    [`127.0.0.1:${await freePort()}`, TLS, "it refuses connections: no server listens there"],
    ["no.such.host.invalid:6379", PLAIN, "its name does not resolve"],
    [redis.address, TLS, "it does not use TLS: name it with redis://"],
    [guarded, TLS, "it does not use TLS: name it with redis://"],
    [encrypted, PLAIN, "it requires TLS: name it with rediss://"],
    [
      encrypted,
      TLS,
      "its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT): name your own in NODE_EXTRA_CA_CERTS",
    ],
    [`127.0.0.1:${web.port}`, PLAIN, OTHER],
    [`127.0.0.1:${web.port}`, TLS, OTHER],
    [service("SSH-2.0-OpenSSH_9\r\n"), PLAIN, OTHER],
    [service("SSH-2.0-OpenSSH_9\r\n"), TLS, OTHER],
    [service(""), PLAIN, "it does not answer within 300 milliseconds"],
    [service("close"), PLAIN, "it closes each connection"],
  ] as const)
    expect([address, await diagnose(address, options)]).toEqual([address, reason]);
});

testWithRedis("The reason is logged while a start waits, and the wait goes on", async () => {
  const redis = await RedisServer.start();
  const told: string[] = [];
  const opening = openStore(`redis://counter@${redis.address}`, { storePassword: "secret" }, told);
  const waits = `waits for Redis: ${redis.address}: it rejects the user or the password`;
  await until("the reason is logged", () => told.includes(waits));
  await redis.ask("ACL", "SETUSER", "counter", "on", ">secret", "~*", "+@all");
  await opening;
  expect(told.filter((line) => line === waits)).toHaveLength(1);
});

testWithRedis("The reason is logged again every half minute, at a start and later", async () => {
  const redis = await RedisServer.start();
  const [starting, running]: [string[], string[]] = [[], []];
  await openStore(`redis://${redis.address}`, {}, running);
  await redis.stop();
  openStore(`redis://${redis.address}`, {}, starting).catch(() => {});
  const reason = `${redis.address}: it refuses connections: no server listens there`;
  const times = (lines: string[], line: string) => lines.filter((told) => told === line).length;
  await Bun.sleep(33_000);
  expect(times(starting, `waits for Redis: ${reason}`)).toBe(2);
  expect(times(running, `Redis: ${reason}`)).toBe(2);
});

testWithRedis("A Redis that may evict counts is logged at the start and after a reconnection", async () => {
  const redis = await RedisServer.start(["--maxmemory-policy", "allkeys-lru"]);
  const told: string[] = [];
  await openStore(`redis://${redis.address}`, {}, told);
  const warning = `Redis: ${redis.address} evicts counts when it is full (allkeys-lru): set maxmemory-policy noeviction`;
  const warnings = () => told.filter((line) => line === warning).length;
  await until("the policy is logged", () => warnings() === 1);
  await redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until("the policy is logged again", () => warnings() === 2);
  await redis.ask("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
  const lines = told.length;
  await redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until("it is connected again", () => told.slice(lines).includes("Redis can be used again"));
  await Bun.sleep(500);
  expect(warnings()).toBe(2);
});

testWithRedis("Nothing is logged of a policy that may not be asked for", async () => {
  const redis = await RedisServer.start(["--maxmemory-policy", "allkeys-lru"]);
  await redis.ask("ACL", "SETUSER", "counter", "on", ">secret", "~*", "+@all", "-info", "-config");
  const told: string[] = [];
  const store = await openStore(`redis://counter@${redis.address}`, { storePassword: "secret" }, told);
  await store.add("a", 1);
  await Bun.sleep(500);
  expect(told).toEqual([]);
});
