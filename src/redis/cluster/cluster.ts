import type { Script } from "../scripts/script.ts";
import type { ConnectionOptions } from "./connection.ts";
import { Broken, ErrorReply, Lost, NotDone, refusalOf } from "./failures.ts";
import { Node } from "./node.ts";
import { addressOf, hostOf, readSlotRanges, SLOTS } from "./slots.ts";

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

/** Milliseconds from one look at which server has which slots to the next: if all is well, and if not. */
const [CALM, HURRY] = [5000, 100];
/** Milliseconds until a shard that is just being moved is tried again. */
const TRY_AGAIN = 5;

/**
 * A cluster, or one server: knows which server has which slot, and runs scripts there.
 *
 * A command is sent again only if a server has said that it did nothing.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #nodes = new Map<string, Node>();
  readonly #owners: (Node | undefined)[] = new Array<Node | undefined>(SLOTS).fill(undefined);
  #isCluster: boolean | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  /** Called whenever a server is lost, or there again. */
  onChange: () => void = () => {};

  constructor(options: ClusterOptions) {
    this.#options = options;
    for (const seed of options.seeds) this.#node(seed);
    void this.#learn();
  }

  /** Whether there are several servers, each with some of the slots; `undefined` until one was asked. */
  get isCluster(): boolean | undefined {
    return this.#isCluster;
  }

  /** Why some songs cannot be counted for now, and of which server. */
  get trouble(): string | undefined {
    if (this.#isCluster === undefined) {
      const [[address, node] = []] = this.#nodes;
      return `${address}: ${node?.trouble ?? "it was not asked yet"}`;
    }
    for (const node of new Set(this.#owners)) {
      if (node === undefined) return "some slots belong to no server";
      if (node.trouble !== undefined) return `${node.address}: ${node.trouble}`;
    }
    return undefined;
  }

  /** The address of the server that has a slot. */
  ownerOf(slot: number): string | undefined {
    return this.#owners[slot]?.address;
  }

  /** @throws {NotDone} if it did nothing, {Lost} if it is not known; {Broken} if the script failed. */
  async run(run: Run): Promise<unknown> {
    const deadline = performance.now() + this.#options.timeout;
    let node = this.#owners[run.slot];
    let isAsked = false;
    for (;;) {
      if (node === undefined) throw new NotDone("no server has the slot");
      try {
        return await this.#runOn(node, run, isAsked);
      } catch (error) {
        if (!(error instanceof ErrorReply)) throw error;
        if (performance.now() > deadline) throw new NotDone(refusalOf(error.code) ?? error.code);
        isAsked = error.code === "ASK";
        node = await this.#redirect(error, run.slot, node);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    for (const node of this.#nodes.values()) node.close();
  }

  /** Where to go with a command that did nothing. */
  async #redirect(error: ErrorReply, slot: number, node: Node): Promise<Node | undefined> {
    const [code, , address = ""] = error.message.split(" ");
    if (code === "MOVED" || code === "ASK") {
      const known = address.startsWith(":") ? addressOf(hostOf(node.address), address.slice(1)) : address;
      const next = this.#node(known);
      if (!next.isConnected) await Bun.sleep(TRY_AGAIN); // it may be one that was not known until now
      if (code === "ASK") return next;
      this.#owners[slot] = next;
      this.#wake();
      return next;
    }
    if (code === "READONLY" || code === "CLUSTERDOWN" || code === "MASTERDOWN") this.#wake();
    if (code !== "TRYAGAIN") {
      const refusal = refusalOf(code as string);
      throw refusal === undefined ? new Broken(`Redis: ${error.message}`) : new NotDone(refusal);
    }
    await Bun.sleep(TRY_AGAIN);
    return this.#owners[slot];
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
    const replicas = node.send("WAIT", [String(waitReplicas), String(Math.ceil(timeout / 2))]);
    replicas.catch(() => {}); // if it fails, so has what was sent in front of it
    const answer = await reply;
    if (((await replicas) as number) >= waitReplicas) return answer;
    throw new Lost();
  }

  #node(address: string): Node {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const node = new Node(address, this.#options, () => {
      this.#wake();
      this.onChange();
    });
    this.#nodes.set(address, node);
    return node;
  }

  /** Keeps what is known of the slots up to date. */
  async #learn(): Promise<void> {
    while (!this.#isClosed) {
      for (const node of this.#nodes.values()) {
        if (node.isConnected && (await this.#learnFrom(node))) break;
      }
      const calm = this.trouble === undefined ? CALM : HURRY;
      await Promise.race([Bun.sleep(calm), new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  async #learnFrom(node: Node): Promise<boolean> {
    try {
      const reply = await node.send("CLUSTER", ["SLOTS"]);
      const ranges = readSlotRanges(reply, hostOf(node.address));
      this.#isCluster = true;
      this.#owners.fill(undefined);
      for (const { first, last, address } of ranges) this.#owners.fill(this.#node(address), first, last + 1);
      this.#forgetOthers();
    } catch (error) {
      if (!(error instanceof ErrorReply)) return false;
      if (!/cluster support disabled|unknown command/i.test(error.message)) return false;
      this.#isCluster = false;
      this.#owners.fill(node);
    }
    return true;
  }

  /** Seeds are kept: they are what is left if all others are lost. */
  #forgetOthers(): void {
    const owners = new Set(this.#owners);
    for (const [address, node] of this.#nodes) {
      if (owners.has(node) || this.#options.seeds.includes(address)) continue;
      node.close();
      this.#nodes.delete(address);
    }
  }
}
