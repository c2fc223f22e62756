import { afterEach, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { completeSettings } from "../../../src/settings/settings.ts";
import { Cluster } from "../../../src/store/redis/cluster/cluster.ts";
import { layOut, Redis } from "../../../src/store/redis/redis.ts";
import { PlayLedger } from "../../support/play-ledger.ts";
import { batch, single } from "./support/crowd.ts";
import { error, Interposer, mayCount } from "./support/interposer.ts";
import { endWell, healthy, serve } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";
import { until } from "./support/until.ts";

// Redis answers, with errors.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const SONGS = Array.from({ length: 40 }, (_, song) => `song-${song}`);
/** Enough songs for every shard to have some. */
const MANY = Array.from({ length: 300 }, (_, song) => `song-${song}`);
const SHARDS = ["--shards", "16"];

/** A server whose songs were all played once. */
class Subject {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly #server: Awaited<ReturnType<typeof serve>>;

  private constructor(server: Awaited<ReturnType<typeof serve>>) {
    this.#server = server;
  }

  static async on(store: string): Promise<Subject> {
    const subject = new Subject(await serve(store, ...SHARDS));
    await subject.playWell();
    return subject;
  }

  get url(): string {
    return this.#server.url;
  }

  async playWell(): Promise<void> {
    for (const id of SONGS) expect((await this.ledger.send(this.url, single(id))).outcome).toBe("counted");
    expect((await this.ledger.send(this.url, batch(SONGS))).outcome).toBe("counted");
  }

  /** Expects that plays are refused and not counted, and that the health check fails. */
  async expectRefusals(): Promise<void> {
    const plays = [...SONGS.map(single), batch(SONGS), { ...batch(SONGS), key: '"writer:1"' }];
    await Promise.all(plays.map((play) => this.ledger.send(this.url, play)));
    expect([...this.ledger.answers.keys()].sort()).toEqual([200, 503]);
    await healthy(this.url, 503);
    await this.#expectStoreUp(0);
  }

  /** Expects that the metrics are there, and tell if the store can count. */
  async #expectStoreUp(value: 0 | 1): Promise<void> {
    const answer = await fetch(`${this.url}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining(`\nplaycount_store_up ${value}\n`),
    ]);
  }

  /** Expects that the server recovers by itself. */
  async expectRecovery(): Promise<string> {
    await healthy(this.url);
    await this.#expectStoreUp(1);
    await this.playWell();
    expect(await this.ledger.faults(this.url)).toEqual([]);
    return await endWell([this.#server]);
  }
}

describe("Plays are refused while Redis answers with an error, and counted afterwards:", () => {
  testWithRedis.each([
    "LOADING Redis is loading the dataset in memory",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk",
    "CLUSTERDOWN The cluster is down",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOREPLICAS Not enough good replicas to write.",
  ])("%s", async (said) => {
    const redis = await RedisServer.start();
    const interposer = await Interposer.start(redis.port);
    const subject = await Subject.on(interposer.url);
    interposer.fate = ([name = ""]) => (/^(?:HELLO|CLIENT|AUTH|SELECT)$/i.test(name) ? "well" : error(said));
    await subject.expectRefusals();
    interposer.fate = () => "well";
    await subject.expectRecovery();
  });
});

testWithRedis("Plays are refused while Redis cannot save", async () => {
  const redis = await RedisServer.start();
  const subject = await Subject.on(`redis://${redis.address}`);
  await redis.ask("CONFIG", "SET", "save", "3600 1");
  const status = (wanted: string) =>
    until(`saving is ${wanted}`, async () => (await redis.info("rdb_last_bgsave_status")) === wanted);
  const inTheWay = join(redis.folder, "dump.rdb");
  mkdirSync(join(inTheWay, "x"), { recursive: true });
  await redis.ask("BGSAVE");
  await status("err");
  await subject.expectRefusals();
  rmSync(inTheWay, { recursive: true });
  await redis.ask("BGSAVE");
  await status("ok");
  await subject.expectRecovery();
});

testWithRedis("Plays are refused while the memory of Redis is full", async () => {
  const redis = await RedisServer.start();
  const subject = await Subject.on(`redis://${redis.address}`);
  await redis.ask("CONFIG", "SET", "maxmemory", 1);
  await subject.expectRefusals();
  await redis.ask("CONFIG", "SET", "maxmemory", 0);
  await subject.expectRecovery();
});

testWithRedis(
  "Folds can be sealed and acknowledged, and everything cleared, while the memory of Redis is full",
  async () => {
    const redis = await RedisServer.start();
    const { url, ...server } = await serve(`redis://${redis.address}`, ...SHARDS);
    const ask = async (method: string, path: string) => {
      const answer = await fetch(url + path, { method });
      return `${answer.status} ${await answer.text()}`.trim();
    };
    expect(await ask("POST", "song/1")).toBe("200 1");
    await redis.ask("CONFIG", "SET", "maxmemory", 1);
    expect(await ask("POST", "song/1")).toStartWith("503 ");
    expect(await ask("PUT", "folds/1")).toBe("201 1=1");
    expect(await ask("DELETE", "folds/1")).toStartWith("200");
    expect(await ask("GET", "song/1")).toBe("200 0");
    expect(await ask("DELETE", "")).toStartWith("200");
    await redis.ask("CONFIG", "SET", "maxmemory", 0);
    await healthy(url);
    expect(await ask("POST", "song/1")).toBe("200 1");
    await endWell([{ url, ...server }]);
  },
);

testWithRedis("A play that fills the memory of Redis keeps its answer, across a hand-over too", async () => {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(redis.port);
  const { url, ...server } = await serve(interposer.url, ...SHARDS);
  const play = async (seq: number) => {
    const headers = { "idempotency-key": `"w:${seq}"` };
    const answer = await fetch(`${url}song/1`, { method: "POST", headers });
    return `${answer.status} ${await answer.text()}`.trim();
  };
  expect(await play(1)).toBe("200 1"); // loads the scripts
  let commands = 0;
  const full = error("OOM command not allowed when used memory > 'maxmemory'.");
  interposer.fate = (words) => (mayCount(words) && ++commands === 3 ? full : "well");
  expect(await play(2)).toStartWith("500 ");
  interposer.fate = () => "well";
  for (const method of ["PUT", "DELETE"]) expect((await fetch(`${url}folds/1`, { method })).ok).toBe(true);
  expect(await play(2)).toBe("200 2");
  expect(await play(2)).toBe("200 2");
  expect(await (await fetch(`${url}song/1`)).text()).toBe("0");
  await endWell([{ url, ...server }]);
});

testWithRedis(
  "A claimed request can be confirmed, and released, while the memory of Redis is full",
  async () => {
    const server = await RedisServer.start();
    const connection = { isEncrypted: false, user: "", password: "", database: 0, timeout: 10_000 };
    const cluster = new Cluster({ ...connection, servers: [server.address], waitReplicas: 0 });
    await until("the server is connected", () => cluster.topology.trouble === undefined);
    const wanted = { prefix: "full", shards: 1, writers: 1, seed: [1, 2] as const, name: "full" };
    const redis = new Redis(cluster, (await layOut(cluster, wanted)).layout, completeSettings({}));
    const [first, second] = [
      { writer: "first", seq: 1 },
      { writer: "second", seq: 1 },
    ];
    for (const key of [first, second]) await redis.writers(key, "claim", 1);
    await server.ask("CONFIG", "SET", "maxmemory", 1);
    expect(await redis.writers(first, "confirm", 0, 1)).toEqual(["confirmed"]);
    expect(await redis.writers(second, "release")).toEqual(["released"]);
    cluster.topology.close();
  },
);

testWithRedis("Plays are refused while Redis is a replica of another server", async () => {
  const [redis, other] = [await RedisServer.start(), await RedisServer.start()];
  const subject = await Subject.on(`redis://${redis.address}`);
  await other.kill(); // so that there is nothing to replicate
  await redis.ask("REPLICAOF", "127.0.0.1", other.port);
  await subject.expectRefusals();
  await redis.ask("REPLICAOF", "NO", "ONE");
  await subject.expectRecovery();
});

testWithRedis("No play is refused after SCRIPT FLUSH: the scripts are loaded again", async () => {
  const redis = await RedisServer.start();
  const subject = await Subject.on(`redis://${redis.address}`);
  for (const _ of [1, 2, 3]) {
    await redis.ask("SCRIPT", "FLUSH");
    await subject.playWell();
  }
  expect(subject.ledger.answers.size).toBe(1);
  await subject.expectRecovery();
});

testWithRedis("Plays are refused only for the songs of a shard whose key holds foreign data", async () => {
  const redis = await RedisServer.start();
  await redis.ask("SET", "{playcount:5}", "x");
  const server = await serve(`redis://${redis.address}`, ...SHARDS);
  const ledger = new PlayLedger();
  for (const id of [...MANY, ...MANY]) await ledger.send(server.url, single(id));
  const { outcome } = await ledger.send(server.url, batch(MANY));
  expect(outcome).not.toBe("counted");
  expect(ledger.count(200)).toBeGreaterThan(MANY.length);
  expect(ledger.count(500, 503)).toBeGreaterThan(1);
  expect(await redis.ask("GET", "{playcount:5}")).toBe("x");
  await redis.ask("DEL", "{playcount:5}");
  expect(await ledger.faults(server.url)).toEqual([]);
  expect((await ledger.send(server.url, batch(MANY))).outcome).toBe("counted");
  expect(await endWell([server])).toMatch(/^playcount: .*\{playcount:5\}/m);
});

testWithRedis(
  "Refused plays are not counted where the key of a shard's fold holds foreign data",
  async () => {
    const redis = await RedisServer.start();
    const server = await serve(`redis://${redis.address}`, ...SHARDS);
    const ledger = new PlayLedger();
    for (const id of MANY) await ledger.send(server.url, single(id));
    await fetch(`${server.url}folds/1`, { method: "PUT" });
    await redis.ask("RENAME", "{playcount:5}:1", "{playcount:5}:kept");
    await redis.ask("SET", "{playcount:5}:1", "x");
    const plays = [...MANY, ...MANY].map(single);
    await Promise.all([...plays, batch(MANY)].map((play) => ledger.send(server.url, play)));
    for (const play of plays) await ledger.send(server.url, play);
    expect(ledger.count(500, 503)).toBeGreaterThan(1);
    expect(ledger.count(200)).toBeGreaterThan(2 * MANY.length);
    await redis.ask("RENAME", "{playcount:5}:kept", "{playcount:5}:1");
    expect(await ledger.faults(server.url)).toEqual([]);
    await endWell([server]);
  },
);
