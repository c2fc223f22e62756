import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { PlayLedger } from "../../support/play-ledger.ts";
import { single } from "./support/crowd.ts";
import { endWell, healthy, serve, serveTwo } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { Scene, stopEverything } from "./support/scene.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";

// Redis hangs, for a while or for longer than the timeout.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const MAY_WAIT = 50;
const SENT = 80;

/** Sends plays and waits until `answered` of them are answered; `all` resolves when all are. */
async function send(
  ledger: PlayLedger,
  url: string,
  plays: number,
  answered: number,
): Promise<{ all: Promise<unknown> }> {
  const enough = Promise.withResolvers<void>();
  let answers = 0;
  const all = Array.from({ length: plays }, async (_, song) => {
    await ledger.send(url, single(`song-${song % 10}`));
    if (++answers === answered) enough.resolve();
  });
  await enough.promise;
  return { all: Promise.all(all) };
}

testWithRedis(
  "While Redis hangs, at most maxWaiting plays wait, and they are counted when it continues",
  async () => {
    const redis = await RedisServer.start();
    const options = ["--max-waiting", String(MAY_WAIT), "--store-timeout", "60000"];
    const server = await serve(`redis://${redis.address}`, ...options);
    const ledger = new PlayLedger();
    await ledger.send(server.url, single("song-0"));
    redis.freeze();
    const { all } = await send(ledger, server.url, SENT, SENT - MAY_WAIT);
    expect(ledger.count(503)).toBe(SENT - MAY_WAIT);
    redis.thaw();
    await all;
    expect([ledger.count(200), ledger.count(503)]).toEqual([1 + MAY_WAIT, SENT - MAY_WAIT]);
    expect(await ledger.faults(server.url)).toEqual([]);
    await endWell([server]);
  },
);

testWithRedis(
  "When Redis hangs for longer than the timeout, plays are unknown or refused until it continues",
  async () => {
    const redis = await RedisServer.start();
    const server = await serve(`redis://${redis.address}`, "--store-timeout", "300");
    const ledger = new PlayLedger();
    await ledger.send(server.url, single("song-0"));
    redis.freeze();
    await send(ledger, server.url, SENT, SENT);
    expect(ledger.count(500)).toBeGreaterThan(0);
    expect(ledger.count(200)).toBe(1);
    await healthy(server.url, 503);
    await send(ledger, server.url, SENT, SENT);
    expect([...ledger.answers.keys()].sort()).toEqual([200, 500, 503]);
    redis.thaw();
    await healthy(server.url);
    const before = ledger.count(500, 503);
    await send(ledger, server.url, SENT, SENT);
    expect(ledger.count(500, 503)).toBe(before);
    expect(await ledger.faults(server.url)).toEqual([]);
    await endWell([server]);
  },
);

testWithRedis(
  "No client gets the answer of another while Redis or its network hangs repeatedly",
  async () => {
    const redis = await RedisServer.start();
    const proxy = await TcpProxy.start(redis.port);
    const timeout = 200;
    const store = `redis://127.0.0.1:${proxy.port}`;
    const scene = new Scene("stalls", await serveTwo(store, "--store-timeout", String(timeout)));
    const { random } = scene;
    await scene.during(12, true, async () => {
      for (let stall = 0; stall < 10 || scene.ledger.count(500) === 0; stall++) {
        await Bun.sleep(random.below(200));
        const [begin, end] = random.pick([
          [() => redis.freeze(), () => redis.thaw()],
          [() => proxy.hang(), () => proxy.resume()],
        ] as const);
        begin();
        await Bun.sleep(random.below(2 * timeout));
        end();
      }
    });
    expect(scene.ledger.count(500)).toBeGreaterThan(0);
    expect(await scene.faults()).toEqual([]);
    await endWell(scene.servers);
  },
);
