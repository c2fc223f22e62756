import { describe, expect, test } from "bun:test";
import { ShardedStore } from "../../../src/mod.ts";
import { HINTS, Slabs } from "../../../src/store/memory/slabs.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";

interface Block {
  unit: number;
  size: number;
}

/** Sizes of blocks that a store uses: from 64 bytes on. */
const LEAST_SIZE = 3;

/** Blocks of a heap, each of which has its number in all of its units. */
class MarkedBlocks {
  readonly slabs: Slabs;
  readonly blocks: Block[] = [];
  readonly #numbers: Float64Array;
  #marks = 0;

  constructor(bytes: number) {
    const buffer = new ArrayBuffer(2 ** 20, { maxByteLength: bytes });
    this.slabs = new Slabs(buffer, 0, HINTS);
    this.#numbers = new Float64Array(buffer);
  }

  /** Allocates a block, and returns false if memory is used up. */
  allocate(least: number, most: number = least): boolean {
    const unit = this.slabs.allocate(least, most);
    if (unit === 0) return false;
    const size = new Int32Array(this.#numbers.buffer)[unit * 2 + 1] as number;
    if (size < least || size > most) throw new Error(`a block of size ${size}, not ${least} to ${most}`);
    this.#numbers.fill(++this.#marks, unit, unit + 2 ** size);
    this.blocks.push({ unit, size });
    return true;
  }

  /** Frees a block, after it has checked that no other one overlaps it. */
  free(at: number): void {
    const [{ unit, size }] = this.blocks.splice(at, 1) as [Block];
    const mark = this.#numbers[unit + 1];
    const end = unit + 2 ** size;
    if (this.#numbers.subarray(unit, end).some((other) => other !== mark)) throw new Error("blocks overlap");
    this.slabs.free(unit, size);
  }

  freeAll(): void {
    while (this.blocks.length > 0) this.free(this.blocks.length - 1);
  }

  /** Fills the memory with blocks of a size, and returns their number. */
  fill(size: number): number {
    const before = this.blocks.length;
    while (this.allocate(size));
    return this.blocks.length - before;
  }
}

describe("The blocks of a heap", () => {
  test.each([2 ** 20, 2 ** 22 + 12_345 * 8])(
    "of %d bytes overlap no other, and serve any size once they are free",
    (bytes) => {
      const random = new Random("slabs");
      for (let round = 0; round < rounds(50, 5); round++) {
        const heap = new MarkedBlocks(bytes);
        for (let step = 0; step < 3000; step++) {
          if (heap.blocks.length > 0 && random.chance(0.45)) heap.free(random.below(heap.blocks.length));
          else if (random.chance(0.01)) heap.allocate(14 + random.below(3));
          else {
            const least = LEAST_SIZE + random.below(8);
            heap.allocate(least, least + random.below(4));
          }
        }
        heap.freeAll();
        for (const size of [LEAST_SIZE, 13, 7, 16, LEAST_SIZE + 1]) {
          expect(heap.fill(size)).toBe(new MarkedBlocks(bytes).fill(size));
          heap.freeAll();
        }
      }
    },
  );

  test("can use all memory but the records and a part of a slab", () => {
    for (const bytes of [2 ** 20, 2 ** 23 + 8, 2 ** 25 - 8])
      expect(new MarkedBlocks(bytes).fill(LEAST_SIZE) * 64).toBeWithin(0.97 * bytes, bytes);
  });

  test("are as large as they may be, unless smaller ones were freed", () => {
    const heap = new MarkedBlocks(2 ** 24);
    for (let n = 0; n < 2; n++) heap.allocate(LEAST_SIZE);
    heap.allocate(LEAST_SIZE, 6);
    heap.free(0);
    heap.allocate(LEAST_SIZE, 6);
    expect(heap.blocks.map(({ size }) => size)).toEqual([LEAST_SIZE, 6, LEAST_SIZE]);
  });
});

describe("The memory of folds", () => {
  const idOf = (n: number, length: number) => `${n}`.padStart(length, "0");

  /** Adds songs until memory is used up, and returns their number. */
  function fill(store: ShardedStore, length: number): number {
    for (let n = 0; ; n++) {
      try {
        store.add(idOf(n, length), 1);
      } catch {
        return n;
      }
    }
  }

  test.each([14, 500])(
    "serves songs with ids of %d bytes once the folds are acknowledged",
    async (length) => {
      const options = { maxStoreBytes: 2 ** 22, maxFolds: 16 };
      const fresh = fill(new ShardedStore(options), length);
      const store = new ShardedStore(options);
      let fold = 0;
      for (; fold < 16; store.seal(++fold)) for (let n = 0; n < 500; n++) store.add(idOf(n, 10), 1);
      expect(fill(store, 10)).toBeLessThan(100_000);
      const isFreeing = () => {
        const { ring } = store["shards"];
        return Array.from({ length: ring.kept }, (_, set) => set).some((set) => ring.isFreeing(set));
      };
      for (let acknowledged = 1; acknowledged <= fold; acknowledged++) {
        store.acknowledge(acknowledged);
        while (isFreeing()) await Bun.sleep(1);
      }
      for (const last of [++fold, ++fold]) {
        store.seal(last);
        store.acknowledge(last);
        while (isFreeing()) await Bun.sleep(1);
      }
      expect(store.figures().songs).toBe(0);
      expect(fill(store, length)).toBeGreaterThan(0.9 * fresh);
    },
  );
});
