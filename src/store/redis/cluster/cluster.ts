import type { Script } from "../scripts/script.ts";
import type { ConnectionOptions } from "./connection.ts";
import { Broken, ErrorReply, Lost, NotDone, refusalOf } from "./failures.ts";
import type { Node } from "./node.ts";
import { readRedirection } from "./slots.ts";
import { Topology } from "./topology.ts";

/** What is run: keys of one slot, or of any if there is one server. */
export interface Run {
  slot: number;
  script: Script;
  keys: readonly string[];
  args: readonly string[];
}

export interface ClusterOptions extends ConnectionOptions {
  /** `host:port` of servers that are asked first. */
  seeds: readonly string[];
  /** How many replicas have to have a change before it is answered. */
  waitReplicas: number;
}

/** Milliseconds until a shard that is just being moved is tried again. */
const TRY_AGAIN = 5;

/**
 * A cluster, or one server: runs scripts where their slots are.
 *
 * A command is sent again only if a server has said that it did nothing.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #topology: Topology;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#topology = new Topology(options.seeds, options);
  }

  /** Whether there are several servers, each with some of the slots; `undefined` until one was asked. */
  get isCluster(): boolean | undefined {
    return this.#topology.isCluster;
  }

  /** Why some songs cannot be counted for now, and of which server. */
  get trouble(): string | undefined {
    return this.#topology.trouble;
  }

  /** Has `act` called whenever a server is lost, or there again. */
  whenChanged(act: () => void): void {
    this.#topology.onChange = act;
  }

  /** The address of the server that has a slot. */
  ownerOf(slot: number): string | undefined {
    return this.#topology.ownerOf(slot)?.address;
  }

  /** @throws {NotDone} if it did nothing, {Lost} if it is not known; {Broken} if the script failed. */
  async run(run: Run): Promise<unknown> {
    const deadline = performance.now() + this.#options.timeout;
    let node = this.#topology.ownerOf(run.slot);
    let isAsked = false;
    for (;;) {
      if (node === undefined) throw new NotDone("no server has the slot");
      try {
        return await this.#runOn(node, run, isAsked);
      } catch (error) {
        if (!(error instanceof ErrorReply)) throw error;
        isAsked = error.code === "ASK";
        node = await this.#redirect(error, run.slot, node, deadline);
      }
    }
  }

  close(): void {
    this.#topology.close();
  }

  /** Where to go with a command that did nothing, if there is time for that. */
  async #redirect(error: ErrorReply, slot: number, node: Node, deadline: number): Promise<Node | undefined> {
    const { code } = error;
    const isElsewhere = code === "MOVED" || code === "ASK" || code === "TRYAGAIN";
    if (isElsewhere && performance.now() > deadline) throw new NotDone(code);
    if (code === "MOVED" || code === "ASK") {
      const next = this.#topology.node(readRedirection(error.message, node.address));
      next.neededAt = performance.now();
      // It may be one that was not known until now.
      while (!next.isConnected && performance.now() < deadline) await Bun.sleep(TRY_AGAIN);
      if (code === "MOVED") this.#topology.move(slot, next);
      return next;
    }
    if (code === "TRYAGAIN") {
      await Bun.sleep(TRY_AGAIN);
      return this.#topology.ownerOf(slot);
    }
    if (code === "READONLY" || code === "CLUSTERDOWN" || code === "MASTERDOWN") this.#topology.look();
    const refusal = refusalOf(error);
    throw refusal === undefined ? new Broken(`Redis: ${error.message}`) : new NotDone(refusal);
  }

  async #runOn(node: Node, { script, keys, args }: Run, isAsked: boolean): Promise<unknown> {
    const words = [script.sha, String(keys.length), ...keys, ...args];
    try {
      return await this.#send(node, script, "EVALSHA", words, isAsked);
    } catch (error) {
      if (!(error instanceof ErrorReply) || error.code !== "NOSCRIPT") throw error;
      return await this.#send(node, script, "EVAL", words.with(0, script.source), isAsked);
    }
  }

  async #send(
    node: Node,
    script: Script,
    command: string,
    args: string[],
    isAsked: boolean,
  ): Promise<unknown> {
    const { waitReplicas, timeout } = this.#options;
    // In one turn, so that nothing comes in between on the connection.
    if (isAsked) node.send("ASKING", []).catch(() => {});
    const reply = node.send(command, args);
    if (waitReplicas === 0 || !script.writes) return await reply;
    const replicas = node.send("WAIT", [String(waitReplicas), String(Math.ceil(timeout / 4))]).catch(() => 0);
    const answer = await reply;
    if (Number(await replicas) >= waitReplicas) return answer;
    throw new Lost(); // it was done, but may not last
  }
}
