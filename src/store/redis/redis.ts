import type { Settings } from "../../settings/settings.ts";
import type { RequestKey } from "../request-key.ts";
import type { Cluster, Run } from "./cluster/cluster.ts";
import { NotDone } from "./cluster/failures.ts";
import { ADD, COUNT, decodeAdd, encodeAdd, firstsOf } from "./scripts/add.ts";
import type { AddReply, AddRequest } from "./scripts/add.ts";
import { CONTROL, decodeControl, decodeLayout, decodeState, STATE } from "./scripts/control.ts";
import type { ControlReply, ControlRequest, LayoutReply, State } from "./scripts/control.ts";
import type { Script, ScriptInput } from "./scripts/script.ts";
import { CLAIM, CONFIRM, type WritersVerb } from "./scripts/writers.ts";
import { Heads } from "./shards/heads.ts";
import { controlOf, Layout, type LayoutData } from "./shards/layout.ts";

/** Attempts to reach a shard whose head changes, as it does with each fold. */
export const MOST_TRIES = 100;

/** The servers with the layout of the data there and the last known heads of the shards. */
export class Redis {
  readonly cluster: Cluster;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly heads: Heads;
  /** True after the counts were lost, and another server has laid out new ones, which are not these. */
  areOthers = false;

  constructor(cluster: Cluster, layout: LayoutData, settings: Settings) {
    this.cluster = cluster;
    this.settings = settings;
    this.layout = new Layout(layout, settings);
    this.heads = new Heads(this.layout);
  }

  /** Adds plays to songs of one group. Learns heads that were outdated: those songs can be tried again. */
  async add(request: AddRequest): Promise<AddReply> {
    const shards = firstsOf(request.songs, request.sizes).map(({ shard }) => shard);
    const script = request.mode === "check" || request.mode === "count" ? COUNT : ADD;
    const input = encodeAdd(this.heads, shards, request);
    const reply = decodeAdd(await this.onShard(shards[0] as number, script, input));
    for (const { kind, at, detail } of reply.problems)
      if (kind === "head") this.heads.learn(shards[at] as number, detail);
    return reply;
  }

  /** Runs a script on keys of one shard, or of several shards of one group. */
  onShard(shard: number, script: Script, input: ScriptInput): Promise<string[]> {
    return this.#run({ slot: this.layout.slotOf(shard), script, ...input });
  }

  /** Claims a request with a key, or confirms or releases it. */
  writers({ writer, seq }: RequestKey, verb: WritersVerb, ...numbers: number[]): Promise<string[]> {
    const request = { writer, seq, most: this.layout.placeWriters, numbers };
    const script = verb === "claim" ? CLAIM : CONFIRM;
    return this.#run({ ...this.layout.writerKeysOf(writer), script, verb, request });
  }

  /** Changes the state that all shards share. */
  async control(request: ControlRequest): Promise<ControlReply> {
    const run = { ...this.layout.control, script: CONTROL, verb: request.verb, request };
    return decodeControl(await this.#run(run));
  }

  /** Reads the state that all shards share. */
  async state(): Promise<State> {
    return decodeState(await this.#run({ ...this.layout.control, script: STATE, verb: "state" }));
  }

  async #run(run: Run): Promise<string[]> {
    if (this.areOthers) throw new NotDone("other counts are there");
    return await this.cluster.run(run);
  }

  /** Returns the group of a shard. One script can work on all shards of a group. */
  groupOf(shard: number): number {
    return this.isCluster ? shard : 0;
  }

  /** True if each shard may be on another server. */
  get isCluster(): boolean {
    return this.cluster.topology.isCluster !== false;
  }
}

/** Lays the counts out as wanted, if they are not laid out yet. Returns the layout in force. */
export async function layOut(cluster: Cluster, wanted: LayoutData): Promise<LayoutReply> {
  const { prefix } = wanted;
  const request = { ...wanted, seed: wanted.seed.join(":") };
  return decodeLayout(
    prefix,
    await cluster.run({ ...controlOf(prefix), script: CONTROL, verb: "lay out", request }),
  );
}
