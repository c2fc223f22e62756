import { expect, test } from "bun:test";
import { type CountStore, MAX_COUNT, Refusal, ShardedStore, type StoreOptions } from "../../src/mod.ts";
import { MapStore } from "../../src/store/map-store.ts";
import { Random } from "../random.ts";
import { shrink } from "../support/shrink.ts";
import { byId, ODD_IDS } from "./contract/support.ts";

const ROUNDS = 50;
const OPERATIONS = 20_000; // a round: a million in all

/** Something that a store is asked for: the id by its number. */
type Operation =
  | { do: "add"; id: number; plays: number }
  | { do: "get"; id: number }
  | { do: "clear"; isWanted: boolean }
  | { do: "top"; n: number }
  | { do: "list" };

type MakeStore = (options: StoreOptions) => CountStore;

const IDS = [
  ...ODD_IDS,
  ...Array.from({ length: 3000 }, (_, n) => `song-${n}`),
  ...Array.from({ length: 300 }, (_, n) => "é".repeat(n)),
];

test("a million random operations come out as with a plain Map", () => {
  const random = new Random("packed store");
  for (let round = 0; round < ROUNDS; round++) {
    const options = { maxSongs: random.pick([10, 1000, 100_000]), maxIdBytes: random.pick([8, 64, 600]) };
    const ids = random.pick([5, 100, IDS.length]);
    const operations = Array.from({ length: OPERATIONS }, () => anyOperation(random, ids));
    expectSame(operations, options, (made) => new ShardedStore(made));
  }
});

test("an operation that comes out otherwise is found, and shown with no more than it takes", () => {
  const random = new Random("broken store");
  const operations = Array.from({ length: 2000 }, () => anyOperation(random, 100));
  const wrong = () => expectSame(operations, {}, (options) => new ForgetfulStore(options));
  // Three songs have to be played before the third one is forgotten.
  expect(wrong).toThrow(/^(?:.*\n)?.*\{"do":"add".*\{"do":"add".*\{"do":"add"/s);
  try {
    wrong();
  } catch (error) {
    expect((error as Error).message.match(/"do"/g)?.length).toBeLessThan(8);
  }
});

/** A store with a fault: it forgets every third song that is new. */
class ForgetfulStore extends MapStore {
  #songs = 0;

  override add(id: string, plays: number): number {
    if (plays > 0 && super.get(id) === 0 && ++this.#songs % 3 === 0) return plays;
    return super.add(id, plays);
  }
}

function anyOperation(random: Random, ids: number): Operation {
  const action = random.below(10_000);
  const id = random.below(ids);
  if (action < 7500)
    return { do: "add", id, plays: random.chance(0.02) ? MAX_COUNT - random.below(3) : random.below(4) };
  if (action < 9980) return { do: "get", id };
  if (action < 9985) return { do: "clear", isWanted: random.chance(0.5) };
  if (action < 9992) return { do: "top", n: random.below(100) + 1 };
  return { do: "list" };
}

function expectSame(operations: readonly Operation[], options: StoreOptions, makeStore: MakeStore): void {
  const difference = (list: readonly Operation[]) => findDifference(list, options, makeStore);
  if (difference(operations) === undefined) return;
  const shortest = shrink(operations, (list) => difference(list) !== undefined);
  const steps = shortest.map((operation) => JSON.stringify(operation)).join("\n");
  throw new Error(`${difference(shortest)} after\n${steps}\nwith ${JSON.stringify(options)}`);
}

function findDifference(
  operations: readonly Operation[],
  options: StoreOptions,
  makeStore: MakeStore,
): string | undefined {
  const [store, oracle] = [makeStore(options), new MapStore(options)];
  for (const operation of operations) {
    const { version } = store;
    const [found, expected] = [outcome(store, operation), outcome(oracle, operation)];
    if (found !== expected) return `${found}, not ${expected}`;
    const isChange = operation.do === "clear" || operation.do === "add";
    if (!isChange && store.version !== version) return "another version";
  }
  return undefined;
}

function outcome(store: CountStore, operation: Operation): string {
  try {
    return JSON.stringify(perform(store, operation));
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

function perform(store: CountStore, operation: Operation): unknown {
  switch (operation.do) {
    case "add":
      return store.add(IDS[operation.id] as string, operation.plays);
    case "get":
      return store.get(IDS[operation.id] as string);
    case "clear":
      return store.clear(() => !operation.isWanted);
    case "top":
      return store.top(operation.n);
    case "list":
      return Array.from(store.entries() as Iterable<Iterable<[string, number]>>, (chunk) => [...chunk])
        .flat()
        .sort(byId);
  }
}
