import { parseRedisAddress } from "../../settings/redis-address.ts";
import type { Settings } from "../../settings/settings.ts";
import { randomKey } from "../../hash.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Lost, NotDone } from "./cluster/failures.ts";
import { slotOf } from "./cluster/slots.ts";
import { Layout, type LayoutData } from "./shards/layout.ts";
import { PlayCounter } from "./play-counter.ts";
import { Redis } from "./redis.ts";
import { RedisStore, type RedisStoreOptions } from "./redis-store.ts";
import { LAY_OUT } from "./scripts/control.ts";

/** What is set about counts that are in Redis. */
export type RedisSettings = Pick<
  Settings,
  | "store"
  | "storePassword"
  | "storePrefix"
  | "storeTimeout"
  | "shards"
  | "waitReplicas"
  | "maxSongs"
  | "maxIdBytes"
  | "maxFolds"
  | "maxWriters"
  | "maxWaiting"
>;

/** Most writers whose last requests are in one place: each place is on one server. */
const WRITERS_A_PLACE = 4096;
const MOST_PLACES = 64;

/** Milliseconds until Redis is asked again for how the data is laid out. */
const ASK_AGAIN = 10;
/** Milliseconds until it is said that Redis does not answer. */
const PATIENCE = 100;
/** Milliseconds for which the same line is not said again. */
const QUIET = 10_000;

/**
 * Opens counts that are in Redis, and lays out how if there are none: as soon as Redis answers, however long that takes.
 *
 * @throws {RangeError} if they are laid out in another way than the settings say.
 */
export async function openRedis(
  settings: RedisSettings,
  log: (line: string) => void,
): Promise<{ store: RedisStore; layout: LayoutData; plays: SharedArrayBuffer }> {
  const cluster = connect(settings);
  try {
    for (let told = "", since = performance.now(); ;) {
      const layout = await askForLayout(cluster, settings);
      if (typeof layout !== "string") {
        const plays = new PlayCounter();
        const store = storeOf(cluster, layout, settings, { log, plays });
        await store.endOthers();
        return { store, layout, plays: plays.buffer };
      }
      const why = cluster.trouble ?? layout;
      if (why !== told && performance.now() - since > PATIENCE) log(`waits for Redis: ${why}`);
      if (performance.now() - since > PATIENCE) told = why;
      await Bun.sleep(ASK_AGAIN);
    }
  } catch (error) {
    cluster.close();
    throw error;
  }
}

/** A store of the same counts, with connections of its own. */
export async function attachRedis(
  { layout, plays }: { layout: LayoutData; plays: SharedArrayBuffer },
  settings: RedisSettings,
  thread: number,
): Promise<RedisStore> {
  const cluster = connect(settings);
  for (const since = performance.now(); performance.now() - since < settings.storeTimeout;) {
    if (cluster.trouble === undefined) break;
    await Bun.sleep(ASK_AGAIN);
  }
  const log = (line: string) => console.error(`playcount: ${line}`);
  const healthLog = () => {}; // who has opened it tells how Redis is
  return storeOf(cluster, layout, settings, { log, healthLog, plays: new PlayCounter(plays, thread) });
}

/** Who hears of what a store does. */
type Told = Required<Pick<RedisStoreOptions, "log" | "plays">> & Pick<RedisStoreOptions, "healthLog">;

function storeOf(
  cluster: Cluster,
  layout: LayoutData,
  settings: RedisSettings,
  { log, ...told }: Told,
): RedisStore {
  return new RedisStore(new Redis(cluster, new Layout(layout)), {
    ...settings,
    ...told,
    log: onceAWhile(log),
  });
}

/** Says no line again that it has just said: what goes wrong does so with each request. */
function onceAWhile(log: (line: string) => void): (line: string) => void {
  let [last, saidAt] = ["", 0];
  return (line) => {
    if (line === last && performance.now() - saidAt < QUIET) return;
    [last, saidAt] = [line, performance.now()];
    log(line);
  };
}

/** Gives why it cannot be read, if Redis does not answer. */
async function askForLayout(cluster: Cluster, settings: RedisSettings): Promise<LayoutData | string> {
  const { storePrefix: prefix, shards, store } = settings;
  if (cluster.isCluster === false && store.includes(","))
    throw new RangeError("several addresses are those of a cluster, and the first that answered is of none");
  const wanted = {
    shards,
    writers: placesFor(settings.maxWriters),
    seed: randomKey(),
    name: crypto.randomUUID(),
  };
  const run = { slot: slotOf(prefix), script: LAY_OUT, keys: [`{${prefix}}`], args: Layout.request(wanted) };
  try {
    const found = Layout.read(prefix, (await cluster.run(run)) as string[]);
    if (found.shards !== shards)
      throw new RangeError(
        `the counts were laid out with --shards ${found.shards}, which cannot be changed to ${shards}`,
      );
    return found;
  } catch (error) {
    if (error instanceof NotDone) return error.message;
    if (error instanceof Lost) return "it does not answer in time, or too few replicas do";
    throw error;
  }
}

/** A power of two. */
function placesFor(maxWriters: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(MOST_PLACES, maxWriters / WRITERS_A_PLACE))));
}

function connect(settings: RedisSettings): Cluster {
  const { isEncrypted, user, servers, database } = parseRedisAddress(settings.store);
  return new Cluster({
    seeds: servers,
    isEncrypted,
    user,
    password: settings.storePassword,
    database,
    timeout: settings.storeTimeout,
    waitReplicas: settings.waitReplicas,
  });
}
