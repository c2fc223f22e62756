import type { Script, ScriptInput } from "../scripts/script.ts";
import { Broken, ErrorReply, Lost, NotDone, refusalOf } from "./failures.ts";
import type { Node } from "./node.ts";
import type { ConnectionOptions } from "./options.ts";
import { readRedirection } from "./slots.ts";
import { Topology } from "./topology.ts";

/** A script with its keys, which are all of one slot; a single server takes keys of any slots. */
export interface Run extends ScriptInput {
  slot: number;
  script: Script;
}

export interface ClusterOptions extends ConnectionOptions {
  /** `host:port` of the servers to connect to first. */
  servers: readonly string[];
  /** Number of replicas that must acknowledge a change before it is answered. */
  waitReplicas: number;
}

/** Delay before a retry while a slot is being moved. */
const RETRY_MS = 5;

/**
 * Runs scripts on the server that owns their slot: of a cluster, or of a single server.
 *
 * Sends a command again only after a server has replied that it did nothing.
 */
export class Cluster {
  readonly topology: Topology;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.topology = new Topology(options.servers, options);
  }

  /**
   * Returns the texts of the reply.
   *
   * @throws {NotDone} if nothing was done, {Lost} for an unknown outcome, {Broken} if the script failed.
   */
  async run(run: Run): Promise<string[]> {
    const deadline = performance.now() + this.#options.timeout;
    let node = this.topology.ownerOf(run.slot);
    let isAsked = false;
    for (;;) {
      if (node === undefined) throw new NotDone("no server has the slot");
      try {
        return (await this.#runOn(node, run, isAsked)) as string[];
      } catch (error) {
        if (!(error instanceof ErrorReply)) throw error;
        isAsked = error.code === "ASK";
        node = await this.#redirect(error, run.slot, node, deadline);
      }
    }
  }

  /** Returns the server for the next attempt of a command that did nothing. */
  async #redirect(error: ErrorReply, slot: number, node: Node, deadline: number): Promise<Node | undefined> {
    const { code } = error;
    const isElsewhere = code === "MOVED" || code === "ASK" || code === "TRYAGAIN";
    if (isElsewhere && performance.now() > deadline) throw new NotDone(code);
    if (code === "MOVED" || code === "ASK") {
      const next = this.topology.node(readRedirection(error.message, node.address));
      next.neededAt = performance.now();
      // The server may be new to this process.
      while (next.trouble !== undefined && performance.now() < deadline) await Bun.sleep(RETRY_MS);
      if (code === "MOVED") this.topology.move(slot, next);
      return next;
    }
    if (code === "TRYAGAIN") {
      await Bun.sleep(RETRY_MS);
      return this.topology.ownerOf(slot);
    }
    if (code === "READONLY" || code === "CLUSTERDOWN" || code === "MASTERDOWN") this.topology.look();
    const refusal = refusalOf(error);
    throw refusal === undefined ? new Broken(`Redis: ${error.message}`) : new NotDone(refusal);
  }

  async #runOn(node: Node, { script, keys, verb, request = {} }: Run, isAsked: boolean): Promise<unknown> {
    const { waitReplicas, timeout } = this.#options;
    const json = JSON.stringify(request);
    const send = async (command: string, text: string) => {
      // Sent in the same turn, so that no other command comes between them.
      if (isAsked) node.send("ASKING", []).catch(() => {});
      const reply = node.send(command, [text, String(keys.length), ...keys, verb, json]);
      if (waitReplicas === 0 || !script.writes) return await reply;
      const wait = [waitReplicas, Math.ceil(timeout / 4)].map(String);
      const replicas = node.send("WAIT", wait).catch(() => 0);
      const answer = await reply;
      if (Number(await replicas) >= waitReplicas) return answer;
      throw new Lost(); // done, but a failover may undo it
    };
    try {
      return await send("EVALSHA", script.sha);
    } catch (error) {
      if (!(error instanceof ErrorReply) || error.code !== "NOSCRIPT") throw error;
      return await send("EVAL", script.source);
    }
  }
}
