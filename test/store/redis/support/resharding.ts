import type { RedisCluster } from "./redis-cluster.ts";
import type { RedisServer } from "./redis-server.ts";
import type { Reply } from "./resp.ts";

/** The time limit of one `MIGRATE`. */
const MIGRATION_MS = 5000;

/** Returns a function from a slot to its master. */
export async function mastersOf(cluster: RedisCluster): Promise<(slot: number) => RedisServer> {
  const ranges = (await (cluster.masters[0] as RedisServer).ask("CLUSTER", "SLOTS")) as Reply[][];
  const byPort = new Map(cluster.nodes.map((node) => [node.port, node]));
  return (slot) => {
    const range = ranges.find(([begin, end]) => Number(begin) <= slot && slot <= Number(end));
    return byPort.get(Number((range?.[2] as Reply[])[1])) as RedisServer;
  };
}

/** Returns the slot of a key. */
export async function slotOf(node: RedisServer, key: string): Promise<number> {
  return Number(await node.ask("CLUSTER", "KEYSLOT", key));
}

/**
 * Moves a slot to another master while it is in use. Calls `begun` before the first key moves, and `between`
 * after each key.
 */
export async function moveSlot(
  cluster: RedisCluster,
  slot: number,
  to: RedisServer,
  between: () => Promise<unknown> = async () => {},
  begun: () => Promise<unknown> = async () => {},
): Promise<void> {
  const from = (await mastersOf(cluster))(slot);
  if (from === to) return;
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (node) => String(await node.ask("CLUSTER", "MYID"))),
  );
  await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId as string);
  await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", toId as string);
  await begun();
  for (;;) {
    const [key] = (await from.ask("CLUSTER", "GETKEYSINSLOT", slot, 1)) as Reply[];
    if (key === undefined) break;
    await from.ask("MIGRATE", "127.0.0.1", to.port, "", 0, MIGRATION_MS, "KEYS", String(key));
    await between();
  }
  for (const node of [to, from, ...cluster.masters])
    await node.ask("CLUSTER", "SETSLOT", slot, "NODE", toId as string);
}

/** Moves slots from one master to another with `redis-cli`. @throws {Error} with its output, if it fails. */
export async function reshard(from: RedisServer, to: RedisServer, slots: number): Promise<void> {
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (node) => String(await node.ask("CLUSTER", "MYID"))),
  );
  const what = [
    "--cluster-from",
    fromId,
    "--cluster-to",
    toId,
    "--cluster-slots",
    String(slots),
    "--cluster-yes",
  ];
  const words = ["redis-cli", "--cluster", "reshard", from.address, ...what] as string[];
  const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [said, status] = await Promise.all([child.stdout.text(), child.exited]);
  if (status !== 0) throw new Error(`${words.join(" ")}: ${said.slice(-2000)}`);
}
