import type { RequestKey } from "../request-key.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { slotOf } from "./cluster/slots.ts";
import { ADD, COUNT, decodeAdd, encodeAdd } from "./scripts/add.ts";
import type { AddReply, AddRequest, Part, Song } from "./scripts/add.ts";
import {
  CONTROL,
  decodeControl,
  decodeLayout,
  decodeState,
  encodeControl,
  STATE,
} from "./scripts/control.ts";
import type { ControlReply, ControlRequest, LayoutReply, State } from "./scripts/control.ts";
import type { Script, ScriptInput } from "./scripts/script.ts";
import { CLAIM, CONFIRM, decodeWriters, encodeWriters } from "./scripts/writers.ts";
import type { WritersReply, WritersRequest } from "./scripts/writers.ts";
import { Heads } from "./shards/heads.ts";
import { Layout, type LayoutData } from "./shards/layout.ts";

/** The servers with the layout of the data there and the last known heads of the shards. */
export class Redis {
  readonly cluster: Cluster;
  readonly layout: Layout;
  readonly heads: Heads;

  constructor(cluster: Cluster, layout: LayoutData) {
    this.cluster = cluster;
    this.layout = new Layout(layout);
    this.heads = new Heads(this.layout);
  }

  /** Adds plays to songs of one group. If the heads of shards were outdated, learns the current ones. */
  async add<S extends Song>(request: AddRequest<S>): Promise<AddReply<S>> {
    const { heads } = this;
    const { shard } = request.parts[0] as Part;
    const script = request.mode === "check" || request.mode === "count" ? COUNT : ADD;
    const reply = decodeAdd(await this.onShard(shard, script, encodeAdd(heads, request)), request);
    for (const problem of reply.problems)
      if (problem.kind === "head") heads.learn(problem.part.shard, problem.head);
    return reply;
  }

  /** Runs a script on keys of one shard, or of several shards of one group. */
  onShard(shard: number, script: Script, input: ScriptInput): Promise<unknown> {
    return this.cluster.run({ slot: this.layout.slotOf(shard), script, ...input });
  }

  /** Claims, confirms or releases a request with a key. */
  async writers(key: RequestKey, request: WritersRequest): Promise<WritersReply> {
    const { slot, keys } = this.layout.writerKeysOf(key.writer);
    const script = request.verb === "claim" ? CLAIM : CONFIRM;
    const run = { slot, script, keys, args: encodeWriters(key, request) };
    return decodeWriters(await this.cluster.run(run));
  }

  /** Changes the state that all shards share. */
  async control(request: ControlRequest): Promise<ControlReply> {
    return decodeControl(await this.#onControl(CONTROL, encodeControl(request)));
  }

  /** Reads the state that all shards share. */
  async state(): Promise<State> {
    return decodeState(await this.#onControl(STATE, []));
  }

  /** Returns the group of a shard. One script can work on all shards of a group. */
  groupOf(shard: number): number {
    return this.isCluster ? shard : 0;
  }

  /** True if each shard may be on another server. */
  get isCluster(): boolean {
    return this.cluster.topology.isCluster !== false;
  }

  #onControl(script: Script, args: readonly string[]): Promise<unknown> {
    const { control, controlSlot } = this.layout;
    return this.cluster.run({ slot: controlSlot, script, keys: [control], args });
  }
}

/** Lays the counts out as wanted, if they are not laid out yet. Returns the layout in force. */
export async function layOut(cluster: Cluster, wanted: LayoutData): Promise<LayoutReply> {
  const { prefix } = wanted;
  const input = { keys: [`{${prefix}}`], args: encodeControl({ verb: "lay out", layout: wanted }) };
  return decodeLayout(prefix, await cluster.run({ slot: slotOf(prefix), script: CONTROL, ...input }));
}

/** A song with its shard. */
export interface PlacedSong extends Song {
  readonly shard: number;
}

/** Divides songs by their shards. */
export function divide<S extends PlacedSong>(songs: readonly S[]): Part<S>[] {
  const parts = new Map<number, Part<S>>();
  for (const song of songs) {
    const { shard } = song;
    const part = parts.get(shard);
    if (part === undefined) parts.set(shard, { shard, songs: [song] });
    else part.songs.push(song);
  }
  return [...parts.values()];
}
