import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { readCounts } from "../../support/counts.ts";
import type { Listening } from "../../support/process.ts";
import { askForFold } from "./support/asking.ts";
import { endWell, serve, serveTwo } from "./support/playcounts.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// Servers that share counts are killed, or do the same at the same time.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const CLIENTS = 16;
const KILLS = 8;
const SHARDS = ["--shards", "64"];

testWithRedis(
  "Batches and seals are done exactly once when clients retry after servers were killed",
  async () => {
    const cluster = await RedisCluster.start({ hasReplicas: false });
    const scene = new Scene("killed", await serveTwo(cluster.url, ...SHARDS));
    const { random } = scene;
    await scene.during(CLIENTS, true, async () => {
      const isEnough = () => scene.ledger.count(0) > 0 && scene.clerk.folds > 0;
      for (let kill = 0; kill < KILLS || !isEnough(); kill++) {
        await Bun.sleep(random.below(200));
        const [killed, other] = random.chance(0.5) ? scene.servers : scene.servers.toReversed();
        (killed as Listening).process.kill("SIGKILL");
        scene.servers = [other as Listening];
        await (killed as Listening).ended;
        scene.servers = [other as Listening, await serve(cluster.url, ...SHARDS)];
      }
    });
    expect(await scene.faults()).toEqual([]);
    expect(scene.ledger.count(0)).toBeGreaterThan(0);
    expect(scene.clerk.folds).toBeGreaterThan(0);
    await endWell(scene.servers);
  },
);

testWithRedis(
  "When two servers seal the same fold at once, one seals it, and both return the same plays",
  async () => {
    const redis = await RedisServer.start();
    const scene = new Scene("sealed twice", await serveTwo(`redis://${redis.address}`, ...SHARDS));
    const { ledger } = scene;
    await scene.during(CLIENTS, false, async () => {
      for (let fold = 1; fold <= 20; fold++) {
        const answers = await Promise.all(
          [...scene.servers, ...scene.servers].map(({ url }) => askForFold(url, "PUT", fold)),
        );
        const texts = answers.map(({ text }) => text);
        const statuses = answers
          .map(({ status }) => status)
          .sort()
          .join();
        const mayBeDone = answers.some(({ failures }) => failures > 0);
        const isSealedOnce = statuses === "200,200,200,201" || (statuses === "200,200,200,200" && mayBeDone);
        if (!isSealedOnce) ledger.fault(`fold ${fold} was sealed ${statuses}`);
        if (new Set(texts).size !== 1) ledger.fault(`fold ${fold} was told in ${new Set(texts).size} ways`);
        scene.table.add(fold, readCounts(texts[0] as string));
        await askForFold(scene.url, "DELETE", fold);
        ledger.deliver(readCounts(texts[0] as string));
      }
    });
    expect(await scene.faults()).toEqual([]);
    await endWell(scene.servers);
  },
);
