import type { Settings } from "../config.ts";
import { randomKey } from "../hash.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Lost, NotDone } from "./cluster/failures.ts";
import { slotOf } from "./cluster/slots.ts";
import { Layout, type LayoutData } from "./layout.ts";
import { Redis } from "./redis.ts";
import { RedisStore } from "./redis-store.ts";
import { CONTROL } from "./scripts/control.ts";

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

/** A store of counts in Redis whose layout is known. Servers are connected to in the background. */
export function attachRedis(
  layout: LayoutData,
  settings: RedisSettings,
  log: (line: string) => void,
): RedisStore {
  return new RedisStore(new Redis(connect(settings, log), new Layout(layout)), { ...settings, log });
}

/**
 * Reads how the data is laid out, or lays it out if there is none, as soon as Redis answers.
 *
 * @throws {RangeError} if that is not as the settings say.
 */
export async function readLayout(settings: RedisSettings, log: (line: string) => void): Promise<LayoutData> {
  const cluster = connect(settings, log);
  try {
    for (;;) {
      const layout = await askForLayout(cluster, settings);
      if (layout !== undefined) return layout;
      await Bun.sleep(ASK_AGAIN);
    }
  } finally {
    cluster.close();
  }
}

async function askForLayout(cluster: Cluster, settings: RedisSettings): Promise<LayoutData | undefined> {
  const { storePrefix: prefix, shards, store } = settings;
  if (cluster.isCluster === false && store.includes(","))
    throw new RangeError("several addresses are those of a cluster, and the first that answered is of none");
  const args = [
    "lay out",
    shards,
    placesFor(settings.maxWriters),
    randomKey().join(":"),
    crypto.randomUUID(),
  ];
  const run = { slot: slotOf(prefix), script: CONTROL, keys: [`{${prefix}}`], args: args.map(String) };
  try {
    const [found, writers, seed = "", name = ""] = (await cluster.run(run)) as string[];
    if (Number(found) !== shards)
      throw new RangeError(`the counts are laid out in ${found} shards, not in ${shards}: see --shards`);
    const [low = 0, high = 0] = seed.split(":").map(Number);
    return { prefix, shards, writers: Number(writers), seed: [low, high], name };
  } catch (error) {
    if (error instanceof NotDone || error instanceof Lost) return undefined;
    throw error;
  }
}

/** A power of two. */
function placesFor(maxWriters: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(MOST_PLACES, maxWriters / WRITERS_A_PLACE))));
}

/** `log` is told when a server is lost, or back. */
function connect(settings: RedisSettings, log: (line: string) => void): Cluster {
  const url = new URL(settings.store.split(",", 1)[0] as string);
  const options = {
    seeds: seedsOf(settings.store),
    isEncrypted: url.protocol === "rediss:",
    user: decodeURIComponent(url.username),
    password: settings.storePassword,
    database: Number(url.pathname.slice(1)),
    timeout: settings.storeTimeout,
    waitReplicas: settings.waitReplicas,
  };
  let told: string | undefined;
  const cluster = new Cluster(options, () => {
    if (cluster.trouble === told || cluster.isCluster === undefined) return;
    told = cluster.trouble;
    log(told === undefined ? "Redis can be used" : `Redis cannot be used: ${told}`);
  });
  return cluster;
}

/** `host:port` of each server that is named. */
function seedsOf(store: string): string[] {
  const [, list = ""] = /^rediss?:\/\/(?:[^@]*@)?([^/]*)/.exec(store) ?? [];
  return list.split(",").map((address) => (/:\d+$/.test(address) ? address : `${address}:6379`));
}
