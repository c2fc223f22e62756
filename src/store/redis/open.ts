import { parseRedisAddress } from "../../settings/redis-address.ts";
import type { Settings } from "../../settings/settings.ts";
import { randomKey } from "../../hash.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Lost, NotDone } from "./cluster/failures.ts";
import type { LayoutData } from "./shards/layout.ts";
import { TROUBLE_REPEAT_MS, withoutRepeats } from "./log.ts";
import { layOut, Redis } from "./redis.ts";
import { RedisStore } from "./redis-store.ts";

/** Number of writers in one place, which is on one server, and the largest number of places. */
const [WRITERS_A_PLACE, MOST_PLACES] = [4096, 64];

/** Milliseconds between two attempts to read the layout. */
const RETRY_MS = 10;
/** Milliseconds without an answer until the first log line. */
const PATIENCE_MS = 100;
/** Milliseconds until the same fault is logged again. */
const QUIET_MS = 10_000;

/**
 * Opens counts in Redis, and lays them out on first use. Waits for Redis without a limit.
 *
 * @throws {RangeError} if the counts were laid out with other settings.
 */
export async function openRedis(
  settings: Settings,
  log: (line: string) => void,
): Promise<{ store: RedisStore; layout: LayoutData }> {
  const cluster = connect(settings);
  try {
    const logWaiting = withoutRepeats(log, TROUBLE_REPEAT_MS);
    for (const since = performance.now(); ;) {
      const layout = await askForLayout(cluster, settings);
      if (typeof layout !== "string") {
        const redis = new Redis(cluster, layout, settings);
        const store = new RedisStore(redis, withoutRepeats(log, QUIET_MS), log);
        await store.completeOther();
        return { store, layout };
      }
      const reason = cluster.topology.trouble ?? layout;
      if (performance.now() - since > PATIENCE_MS) logWaiting(`waits for Redis: ${reason}`);
      await Bun.sleep(RETRY_MS);
    }
  } catch (error) {
    cluster.topology.close();
    throw error;
  }
}

/** Opens the same counts in another thread, with connections of its own. */
export async function attachRedis(layout: LayoutData, settings: Settings): Promise<RedisStore> {
  const cluster = connect(settings);
  const deadline = performance.now() + settings.storeTimeout;
  while (cluster.topology.trouble !== undefined && performance.now() < deadline) await Bun.sleep(RETRY_MS);
  const log = withoutRepeats((line) => console.error(`playcount: ${line}`), QUIET_MS);
  const healthLog = () => {}; // the main thread logs the state of Redis
  return new RedisStore(new Redis(cluster, layout, settings), log, healthLog);
}

/** Reads the layout. Returns a reason if Redis does not answer. */
async function askForLayout(cluster: Cluster, settings: Settings): Promise<LayoutData | string> {
  const { storePrefix: prefix, shards, store } = settings;
  if (cluster.topology.isCluster === false && store.includes(","))
    throw new RangeError("--store names several servers, but the first is not in a cluster: name one server");
  const writers = placesFor(settings.maxWriters);
  const wanted = { prefix, shards, writers, seed: randomKey(), name: crypto.randomUUID() };
  try {
    const { layout: found } = await layOut(cluster, wanted);
    if (found.shards !== shards)
      throw new RangeError(
        `these counts were created with --shards ${found.shards}, which cannot be changed to ${shards}`,
      );
    return found;
  } catch (error) {
    if (error instanceof NotDone) return error.message;
    if (error instanceof Lost) return "it, or too many of its replicas, did not answer in time";
    throw error;
  }
}

/** Returns the number of places for writers, a power of two. */
function placesFor(maxWriters: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(MOST_PLACES, maxWriters / WRITERS_A_PLACE))));
}

function connect({ store, storePassword: password, storeTimeout: timeout, waitReplicas }: Settings): Cluster {
  return new Cluster({ ...parseRedisAddress(store), password, timeout, waitReplicas });
}
