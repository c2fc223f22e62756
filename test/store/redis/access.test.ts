import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { killAll, listen, RUNTIMES } from "../../support/process.ts";
import { listed, sealed } from "../contract/support.ts";
import { Certificate } from "./support/certificate.ts";
import { stopAll } from "./support/clean-up.ts";
import { healthy } from "./support/playcounts.ts";
import { freePort } from "../../support/ports.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(async () => {
  await killAll();
  await stopAll();
});

const root = join(import.meta.dir, "../../..");
const main = join(root, "src/main.ts");

/** Returns the rights that docs/redis.md lists for a user of Redis. */
function rights(): string[] {
  const page = readFileSync(join(root, "docs/redis.md"), "utf8");
  const [, all, more] = /A user of Redis needs the keys [^+]*`([^`]+)`\s+with `([^`]+)`/.exec(page) ?? [];
  if (all === undefined || more === undefined) throw new Error("docs/redis.md lists no rights");
  return [...all.split(" "), ...more.split(" ")];
}

const SERVERS = ["one server", "a cluster"] as const;

testWithRedis.each(SERVERS)(
  "On %s, a user with exactly the rights listed in docs/redis.md can do everything",
  async (kind) => {
    const cluster = kind === "a cluster" ? await RedisCluster.start({ hasReplicas: false }) : undefined;
    const nodes = cluster?.nodes ?? [await RedisServer.start()];
    for (const node of nodes)
      await node.ask("ACL", "SETUSER", "counter", "on", ">secret", "~{mine*", "-@all", ...rights());
    const url = `redis://counter@${nodes.map(({ address }) => address).join()}`;
    const store = await openStore(url, { storePrefix: "mine", storePassword: "secret" });
    await store.add("a", 2);
    await store.add("a", 1, { writer: "w", seq: 1 });
    await store.addAll(
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
      { writer: "w", seq: 2 },
    );
    await store.addAll(new Map([["c", 1]]));
    expect(await listed(store)).toEqual([
      ["a", 4],
      ["b", 2],
      ["c", 1],
    ]);
    expect(await store.top(1)).toEqual([["a", 4]]);
    await store.seal(1);
    await store.add("a", 5);
    await store.addAll(
      new Map([
        ["a", 1],
        ["d", 1],
      ]),
    );
    expect([await store.get("a"), await store.get("a", 1)]).toEqual([10, 6]);
    expect(await sealed(store, 1)).toEqual([
      ["a", 4],
      ["b", 2],
      ["c", 1],
    ]);
    await store.acknowledge(1);
    await store.seal(2);
    await store.acknowledge(2);
    expect((await store.figures()).songs).toBe(0);
    for (let song = 0; song < 18; song++) await store.add(`song ${song}`, 1);
    expect(await store.clear()).toBe(true);
    expect(await listed(store)).toEqual([]);
    expect(store.unavailableBecause).toBeUndefined();
    for (const node of nodes) expect(await node.ask("ACL", "LOG")).toEqual([]); // no command was denied
  },
);

testWithRedis.each(SERVERS)(
  "Over TLS, plays are counted on %s only if its certificate is trusted",
  async (kind) => {
    const certificate = new Certificate();
    const cluster =
      kind === "a cluster" ? await RedisCluster.start({ hasReplicas: false, certificate }) : undefined;
    const port = await freePort();
    if (cluster === undefined) await RedisServer.start(certificate.options(port));
    const url = cluster?.url ?? `rediss://127.0.0.1:${port}`;
    expect(url).toStartWith("rediss://");
    const command = [...RUNTIMES.bun, main, "--port", "0", "--shards", "16", "--store", url];
    const stranger = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
    const said = firstPiece(stranger.stderr);
    const server = await listen(command, { NODE_EXTRA_CA_CERTS: certificate.path });
    await healthy(server.url);
    const songs = Array.from({ length: 50 }, (_, n) => `song-${n}`);
    for (const song of songs)
      expect(await (await fetch(`${server.url}song/${song}`, { method: "POST" })).text()).toBe("1");
    expect((await (await fetch(server.url)).text()).split(",")).toHaveLength(50);
    expect(await said).toStartWith("playcount: waits for Redis: ");
    expect(stranger.exitCode).toBeNull();
    stranger.kill("SIGKILL");
  },
);

/** Reads a stream until anything arrives. */
async function firstPiece(stream: ReadableStream<Uint8Array>): Promise<string> {
  for await (const piece of stream) return new TextDecoder().decode(piece);
  return "";
}
