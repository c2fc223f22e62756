import { resolvesWithin } from "../../../async/timing.ts";
import { ErrorReply } from "./failures.ts";
import { Node } from "./node.ts";
import type { ConnectionOptions } from "./options.ts";
import { hostOf, readSlotRanges, SLOTS, type SlotRange } from "./slots.ts";

/** Milliseconds between two readings of the slot table: while all is well, and otherwise. */
const [CALM, HURRY] = [5000, 100];
/** Milliseconds that a server without slots stays connected: a slot may be moving there. */
const IDLE = 60_000;

/** The slot table: the server of each slot, read from the servers periodically and after each change. */
export class Topology {
  /** Called whenever a server is lost or reconnected. */
  onChange: () => void = () => {};
  /** Reads the slot table again at once. */
  look: () => void = () => {};
  /** True for a cluster, false for a single server, `undefined` until a server has answered. */
  isCluster: boolean | undefined;
  readonly #options: ConnectionOptions;
  readonly #seeds: readonly string[];
  readonly #nodes = new Map<string, Node>();
  readonly #owners: (Node | undefined)[] = new Array<Node | undefined>(SLOTS).fill(undefined);
  #isClosed = false;
  /** The last error reply to `CLUSTER SLOTS`. */
  #refusal: string | undefined;

  /** `seeds` are `host:port` of the servers to connect to first. */
  constructor(seeds: readonly string[], options: ConnectionOptions) {
    this.#seeds = seeds;
    this.#options = options;
    for (const seed of seeds) this.node(seed);
    void this.#learn();
  }

  /** The reason why some slots are unavailable, with the address of their server. */
  get trouble(): string | undefined {
    if (this.isCluster === undefined) {
      const [[address, node] = []] = this.#nodes;
      return `${address}: ${node?.trouble ?? this.#refusal ?? "it has not been asked yet"}`;
    }
    for (const node of new Set(this.#owners)) {
      if (node === undefined) return "some slots belong to no server";
      if (node.trouble !== undefined) return `${node.address}: ${node.trouble}`;
    }
    return undefined;
  }

  ownerOf(slot: number): Node | undefined {
    return this.#owners[slot];
  }

  /** Records the owner that a `MOVED` named. */
  move(slot: number, owner: Node): void {
    this.#owners[slot] = owner;
    this.look();
  }

  /** Returns the server at an address, and connects to it if it is new. */
  node(address: string): Node {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const node = new Node(address, this.#options, () => {
      this.look();
      this.onChange();
    });
    this.#nodes.set(address, node);
    return node;
  }

  close(): void {
    this.#isClosed = true;
    this.look();
    for (const node of this.#nodes.values()) node.close();
  }

  async #learn(): Promise<void> {
    while (!this.#isClosed) {
      const woken = new Promise<void>((resolve) => (this.look = resolve));
      await this.#ask();
      await resolvesWithin(woken, (this.trouble === undefined ? CALM : HURRY) / 1000);
    }
  }

  /** Asks the servers in turn until one knows an owner for every slot. Otherwise takes the fullest answer. */
  async #ask(): Promise<void> {
    let best: SlotRange[] = [];
    for (const node of [...this.#nodes.values()]) {
      if (node.trouble !== undefined) continue;
      const ranges = await this.#rangesFrom(node);
      if (ranges === "single") {
        this.isCluster = false;
        this.#owners.fill(node);
        return;
      }
      if (countSlots(ranges) > countSlots(best)) best = ranges;
      if (countSlots(best) === SLOTS) break;
    }
    if (best.length === 0) return;
    this.isCluster = true;
    this.#owners.fill(undefined);
    for (const { first, last, address } of best) this.#owners.fill(this.node(address), first, last + 1);
    this.#forgetOthers();
  }

  /** Returns no ranges if the server does not tell. */
  async #rangesFrom(node: Node): Promise<SlotRange[] | "single"> {
    try {
      return readSlotRanges(await node.send("CLUSTER", ["SLOTS"]), hostOf(node.address));
    } catch (error) {
      if (!(error instanceof ErrorReply)) return [];
      if (/cluster support disabled|unknown command/i.test(error.message)) return "single";
      this.#refusal = error.message;
      return [];
    }
  }

  /** Closes servers that have no slots for a while. Keeps the seeds: they are left if all others are lost. */
  #forgetOthers(): void {
    const owners = new Set(this.#owners);
    for (const [address, node] of this.#nodes) {
      if (owners.has(node)) node.neededAt = performance.now();
      else if (performance.now() - node.neededAt > IDLE && !this.#seeds.includes(address)) {
        node.close();
        this.#nodes.delete(address);
      }
    }
  }
}

function countSlots(ranges: readonly SlotRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
