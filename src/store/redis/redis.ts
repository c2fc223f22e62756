import type { Cluster } from "./cluster/cluster.ts";
import { Heads } from "./shards/heads.ts";
import type { Layout } from "./shards/layout.ts";
import type { Script } from "./scripts/script.ts";

/** The servers with the layout of the data there and the last known heads of the shards. */
export class Redis {
  readonly cluster: Cluster;
  readonly heads: Heads;
  readonly layout: Layout;

  constructor(cluster: Cluster, layout: Layout) {
    this.cluster = cluster;
    this.heads = new Heads(layout);
    this.layout = layout;
  }

  /** Runs a script on keys of one shard. */
  onShard(shard: number, script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.cluster.run({ slot: this.layout.slotOf(shard), script, keys, args });
  }

  /**
   * Runs a script that may give a shard another head: where there are generations, this is another one then.
   */
  onHead(
    shard: number,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const words = args.map(String);
    if (this.isCluster) return this.onShard(shard, script, keys, [...words, ""]);
    return this.onShard(shard, script, [...keys, this.layout.generation], [...words, crypto.randomUUID()]);
  }

  /** Runs a script on the state that all shards share. */
  onControl(script: Script, args: readonly string[]): Promise<unknown> {
    const { control, controlSlot } = this.layout;
    return this.cluster.run({ slot: controlSlot, script, keys: [control], args });
  }

  /** Returns the group of a shard. One script can work on all shards of a group. */
  groupOf(shard: number): number {
    return this.isCluster ? shard : 0;
  }

  /** True if each shard may be on another server. */
  get isCluster(): boolean {
    return this.cluster.isCluster !== false;
  }
}
