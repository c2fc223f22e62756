import { fieldOf } from "./ask-redis.ts";
import type { Certificate } from "./certificate.ts";
import { freePort } from "../../../support/ports.ts";
import { RedisServer } from "./redis-server.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;

/** Silence after which a node is presumed dead: short where a replica can take over. */
const [SOON_MS, LATE_MS] = [1000, 10_000];

interface Options {
  /** True if each master has a replica. Default: true. */
  hasReplicas?: boolean;
  /** True if each node announces the address of a proxy in front of it. */
  hasProxies?: boolean;
  /** Certificate for TLS. With it the URL is that of the TLS ports. */
  certificate?: Certificate;
}

/** A cluster of three masters, each with a replica by default. */
export class RedisCluster {
  static readonly MASTERS = 3;
  readonly masters: RedisServer[];
  /** In the order of their masters. */
  readonly replicas: readonly RedisServer[];
  /** The proxies in front of the nodes, in the order of `masters`. */
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

  /** Starts a cluster, and waits until all slots are served. */
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

  /** The URL for `--store`: two of the nodes, or the proxies in front of them. */
  get url(): string {
    const plain = (this.proxies.length > 0 ? this.proxies : this.masters).map(({ port }) => port);
    const [scheme, ports] = this.#tlsPorts.length > 0 ? ["rediss", this.#tlsPorts] : ["redis", plain];
    return `${scheme}://127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}`;
  }

  /** Joins the nodes as `redis-cli --cluster create` does, without its delays. */
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

  /** Starts a master without slots. */
  async addMaster(): Promise<RedisServer> {
    const [first] = this.masters as [RedisServer];
    const node = await startNode();
    this.masters.push(node);
    await first.ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.busPort);
    await this.whole(this.nodes.length);
    return node;
  }

  /** Waits until every node knows `known` nodes and an owner for every slot. */
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

  /** Waits until this replica is promoted and all slots are served again. */
  async promoted(replica: RedisServer): Promise<void> {
    await until("the replica is promoted", async () => {
      const isMaster = (await replica.info("role")) === "master";
      return isMaster && fieldOf(await replica.ask("CLUSTER", "INFO"), "cluster_state") === "ok";
    });
  }

  /** Starts a killed node again, and waits until it is a replica in sync. */
  async startAgain(node: RedisServer): Promise<void> {
    await node.start();
    await linked(node);
  }
}

/** Starts a node without a cluster. */
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

/** Waits until a node is a replica in sync. */
async function linked(replica: RedisServer): Promise<void> {
  await until("the replica has what its master has", async () => {
    return (await replica.info("role")) === "slave" && (await replica.info("master_link_status")) === "up";
  });
}
