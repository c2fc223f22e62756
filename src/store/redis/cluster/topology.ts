import type { ConnectionOptions } from "./connection.ts";
import { ErrorReply } from "./failures.ts";
import { Node } from "./node.ts";
import { hostOf, readSlotRanges, SLOTS, type SlotRange } from "./slots.ts";

/** Milliseconds from one look at which server has which slots to the next: if all is well, and if not. */
const [CALM, HURRY] = [5000, 100];
/** Milliseconds for which a server is kept that has no slots: some may be on their way there. */
const IDLE = 60_000;

/** Which server has which slot; learnt from the servers, again and again. */
export class Topology {
  /** Called whenever a server is lost, or there again. */
  onChange: () => void = () => {};
  readonly #options: ConnectionOptions;
  readonly #seeds: readonly string[];
  readonly #nodes = new Map<string, Node>();
  readonly #owners: (Node | undefined)[] = new Array<Node | undefined>(SLOTS).fill(undefined);
  #isCluster: boolean | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  /** What the last server said that was asked. */
  #refusal: string | undefined;

  /** `seeds` are `host:port` of servers that are asked first. */
  constructor(seeds: readonly string[], options: ConnectionOptions) {
    this.#seeds = seeds;
    this.#options = options;
    for (const seed of seeds) this.node(seed);
    void this.#learn();
  }

  /** Whether there are several servers, each with some of the slots; `undefined` until one was asked. */
  get isCluster(): boolean | undefined {
    return this.#isCluster;
  }

  /** Why some slots cannot be used for now, and of which server. */
  get trouble(): string | undefined {
    if (this.#isCluster === undefined) {
      const [[address, node] = []] = this.#nodes;
      return `${address}: ${node?.trouble ?? this.#refusal ?? "it was not asked yet"}`;
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

  /** Somebody has said that this is the owner by now. */
  move(slot: number, owner: Node): void {
    this.#owners[slot] = owner;
    this.#wake();
  }

  /** The server at an address, which is connected to if it was not known. */
  node(address: string): Node {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const node = new Node(address, this.#options, () => {
      this.#wake();
      this.onChange();
    });
    this.#nodes.set(address, node);
    return node;
  }

  /** Has the servers asked again at once. */
  look(): void {
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    for (const node of this.#nodes.values()) node.close();
  }

  async #learn(): Promise<void> {
    while (!this.#isClosed) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await this.#ask();
      await Promise.race([Bun.sleep(this.trouble === undefined ? CALM : HURRY), woken]);
    }
  }

  /** Asks one server after the other until one knows of all slots; or else believes the one that knows of most. */
  async #ask(): Promise<void> {
    let best: SlotRange[] = [];
    for (const node of [...this.#nodes.values()]) {
      if (!node.isConnected) continue;
      const ranges = await this.#rangesFrom(node);
      if (ranges === "single") {
        this.#isCluster = false;
        this.#owners.fill(node);
        return;
      }
      if (countSlots(ranges) > countSlots(best)) best = ranges;
      if (countSlots(best) === SLOTS) break;
    }
    if (best.length === 0) return;
    this.#isCluster = true;
    this.#owners.fill(undefined);
    for (const { first, last, address } of best) this.#owners.fill(this.node(address), first, last + 1);
    this.#forgetOthers();
  }

  /** Nothing if it does not say. */
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

  /** Seeds are kept: they are what is left if all others are lost. */
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
