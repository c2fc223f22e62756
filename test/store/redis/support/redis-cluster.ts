import { fieldOf } from "./ask-redis.ts";
import type { Certificate } from "./certificate.ts";
import { freePort } from "./ports.ts";
import { RedisServer } from "./redis-server.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;

/** A node that is silent for so long is taken for dead by the others: soon, if there is another one to take its place. */
const [SOON_MS, LATE_MS] = [1000, 10_000];

interface Options {
  /** Whether each master has a replica; they have unless told. */
  hasReplicas?: boolean;
  /** Whether each node says that it is where a proxy in front of it is. */
  hasProxies?: boolean;
  /** With it they are there for TLS as well, and are named so. */
  certificate?: Certificate;
}

/** Three masters, and a replica of each. */
export class RedisCluster {
  static readonly MASTERS = 3;
  readonly masters: RedisServer[];
  /** In the order of their masters. */
  readonly replicas: readonly RedisServer[];
  /** In front of the nodes, in the order of `masters`, if there are any. */
  readonly proxies: readonly TcpProxy[];
  readonly #tlsPorts: readonly number[];

  private constructor(
    nodes: readonly RedisServer[],
    proxies: readonly TcpProxy[],
    tlsPorts: readonly number[],
  ) {
    this.#tlsPorts = tlsPorts;
    this.masters = nodes.slice(0, RedisCluster.MASTERS);
    this.replicas = nodes.slice(RedisCluster.MASTERS);
    this.proxies = proxies;
  }

  /** Starts one, and waits until it answers for all slots. */
  static async start({
    hasReplicas = true,
    hasProxies = false,
    certificate,
  }: Options = {}): Promise<RedisCluster> {
    const count = RedisCluster.MASTERS * (hasReplicas ? 2 : 1);
    const options = (busPort: number) => nodeOptions(busPort, hasReplicas ? SOON_MS : LATE_MS);
    const proxies: TcpProxy[] = [];
    const tlsPorts: number[] = [];
    const nodes = await Promise.all(
      Array.from({ length: count }, async () => {
        if (certificate !== undefined) {
          const tlsPort = await freePort();
          tlsPorts.push(tlsPort);
          return await RedisServer.start((_, busPort) => [
            ...options(busPort),
            ...certificate.options(tlsPort),
          ]);
        }
        if (!hasProxies) return await RedisServer.start((_, busPort) => options(busPort));
        const proxy = await TcpProxy.start();
        proxies.push(proxy);
        const announced = ["--cluster-announce-port", String(proxy.port)];
        const node = await RedisServer.start((_, busPort) => [...options(busPort), ...announced]);
        proxy.target = node.port;
        return node;
      }),
    );
    const cluster = new RedisCluster(
      nodes,
      nodes.flatMap(({ port }) => proxies.find(({ target }) => target === port) ?? []),
      tlsPorts,
    );
    await cluster.#join();
    return cluster;
  }

  get nodes(): RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** What `--store` is told: two of the nodes, or the proxies in front of them. */
  get url(): string {
    const plain = (this.proxies.length > 0 ? this.proxies : this.masters).map(({ port }) => port);
    const [scheme, ports] = this.#tlsPorts.length > 0 ? ["rediss", this.#tlsPorts] : ["redis", plain];
    return `${scheme}://127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}`;
  }

  /** As `redis-cli --cluster create` does it, but without its waiting. */
  async #join(): Promise<void> {
    const [first] = this.masters as [RedisServer];
    const share = Math.ceil(SLOTS / RedisCluster.MASTERS);
    for (const [number, node] of this.nodes.entries()) {
      await node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1);
      const [begin, end] = [number * share, Math.min((number + 1) * share, SLOTS) - 1];
      if (number < RedisCluster.MASTERS) await node.ask("CLUSTER", "ADDSLOTSRANGE", begin, end);
      if (number > 0) await first.ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.busPort);
    }
    await this.whole(this.nodes.length);
    await Promise.all(this.replicas.map((replica, n) => replicate(replica, this.masters[n] as RedisServer)));
    await this.whole(this.nodes.length);
  }

  /** Starts another master, which has no slots yet. */
  async addMaster(): Promise<RedisServer> {
    const [first] = this.masters as [RedisServer];
    const node = await startNode();
    this.masters.push(node);
    await first.ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.busPort);
    await this.whole(this.nodes.length);
    return node;
  }

  /** Waits until all nodes that run know so many nodes, and that every slot is served. */
  async whole(known: number): Promise<void> {
    for (const node of this.nodes) {
      await until(`a cluster of ${known} nodes`, async () => {
        const info = await node.ask("CLUSTER", "INFO");
        const isKnown = fieldOf(info, "cluster_known_nodes") === String(known);
        const isServed = fieldOf(info, "cluster_slots_ok") === String(SLOTS);
        return isKnown && isServed && fieldOf(info, "cluster_state") === "ok";
      });
    }
  }

  /** Waits until this replica is the master, and all slots are served again. */
  async promoted(replica: RedisServer): Promise<void> {
    await until("the replica is promoted", async () => {
      const isMaster = (await replica.info("role")) === "master";
      return isMaster && fieldOf(await replica.ask("CLUSTER", "INFO"), "cluster_state") === "ok";
    });
  }

  /** Starts a node again that was killed, and waits until it is a replica that has all. */
  async startAgain(node: RedisServer): Promise<void> {
    await node.start();
    await linked(node);
  }
}

/** Starts a node that belongs to no cluster. */
export function startNode(): Promise<RedisServer> {
  return RedisServer.start((_, busPort) => nodeOptions(busPort, LATE_MS));
}

function nodeOptions(busPort: number, timeoutMs: number): string[] {
  const cluster = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"];
  const timing = ["--cluster-node-timeout", String(timeoutMs), "--cluster-replica-validity-factor", "0"];
  return [...cluster, ...timing, "--cluster-port", String(busPort)];
}

async function replicate(replica: RedisServer, master: RedisServer): Promise<void> {
  const id = String(await master.ask("CLUSTER", "MYID"));
  await until("the replica knows its master", async () => {
    await replica.ask("CLUSTER", "REPLICATE", id);
    return true;
  });
  await linked(replica);
}

/** Waits until a node is a replica that has all that its master had. */
async function linked(replica: RedisServer): Promise<void> {
  await until("the replica has what its master has", async () => {
    return (await replica.info("role")) === "slave" && (await replica.info("master_link_status")) === "up";
  });
}
