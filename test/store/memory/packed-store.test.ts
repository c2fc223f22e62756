import { expect, test } from "bun:test";
import {
  type Addition,
  type CountStore,
  type Entry,
  MAX_COUNT,
  Refusal,
  type SealedFold,
  ShardedStore,
  type StoreOptions,
} from "../../../src/mod.ts";
import { MapStore } from "../map-store.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import { shrink } from "../../support/shrink.ts";
import { byId, ODD_IDS } from "../contract/support.ts";

const ROUNDS = rounds(50, 5);
const OPERATIONS = 20_000; // a round

/** A call of a store, with the number of an id. */
type Operation =
  | { do: "add"; id: number; plays: number }
  | { do: "get"; id: number; after?: number }
  | { do: "seal" | "acknowledge" | "fold"; fold: number }
  | { do: "folds" }
  | { do: "addAll"; ids: number[]; plays: number }
  | { do: "clear"; isWanted: boolean }
  | { do: "top"; n: number; after?: number }
  | { do: "list"; after?: number };

type MakeStore = (options: StoreOptions) => CountStore;

/** Fold numbers are from 1 to this. */
const FOLDS = 8;

const IDS = [
  ...ODD_IDS,
  ...Array.from({ length: 3000 }, (_, n) => `song-${n}`),
  ...Array.from({ length: 300 }, (_, n) => "é".repeat(n)),
];

test("random operations have the same results as with a plain Map", async () => {
  const random = new Random("packed store");
  for (let round = 0; round < ROUNDS; round++) {
    const options = {
      maxSongs: random.pick([10, 1000, 100_000]),
      maxIdBytes: random.pick([8, 64, 600]),
      maxFolds: random.pick([1, 3, 16]),
    };
    const ids = random.pick([5, 100, IDS.length]);
    const operations = Array.from({ length: OPERATIONS }, () => anyOperation(random, ids));
    await expectSame(operations, options, (made) => new ShardedStore({ ...made, maxStoreBytes: 2 ** 25 }));
  }
});

test("an operation with a wrong result is found, and reported with the fewest operations before it", async () => {
  const random = new Random("broken store");
  const isSimple = (operation: Operation) => operation.do === "add" || operation.do === "get";
  const operations = Array.from({ length: 2000 }, () => anyOperation(random, 100)).filter(isSimple);
  const wrong = () => expectSame(operations, {}, (options) => new ForgetfulStore(options));
  const { message } = await wrong().then(
    () => expect.unreachable(),
    (error: Error) => error,
  );
  // Three songs have to be played before the third one is forgotten.
  expect(message).toMatch(/^(?:.*\n)?.*\{"do":"add".*\{"do":"add".*\{"do":"add"/s);
  expect(message.match(/"do"/g)?.length).toBeLessThan(8);
});

/** A store with a fault: it forgets every third song that is new. */
class ForgetfulStore extends MapStore {
  #songs = 0;

  override add(id: string, plays: number): Addition {
    if (plays > 0 && super.get(id) === 0 && ++this.#songs % 3 === 0) return { count: plays, fold: 0 };
    return super.add(id, plays);
  }
}

function anyOperation(random: Random, ids: number): Operation {
  const action = random.below(10_000);
  const id = random.below(ids);
  if (action < 7500)
    return { do: "add", id, plays: random.chance(0.02) ? MAX_COUNT - random.below(3) : random.below(4) };
  if (action < 7700) {
    const chosen = Array.from({ length: random.below(30) }, () => random.below(ids));
    return { do: "addAll", ids: chosen, plays: random.chance(0.05) ? MAX_COUNT : random.below(3) };
  }
  const after = random.chance(0.3) ? { after: random.below(FOLDS) } : {};
  if (action < 9960) return { do: "get", id, ...after };
  if (action < 9980)
    return { do: random.pick(["seal", "acknowledge", "fold"] as const), fold: random.below(FOLDS) + 1 };
  if (action < 9985) return { do: "clear", isWanted: random.chance(0.5) };
  if (action < 9990) return { do: "top", n: random.below(100) + 1, ...after };
  if (action < 9994) return { do: "folds" };
  return { do: "list", ...after };
}

async function expectSame(
  operations: readonly Operation[],
  options: StoreOptions,
  makeStore: MakeStore,
): Promise<void> {
  const difference = (list: readonly Operation[]) => findDifference(list, options, makeStore);
  if ((await difference(operations)) === undefined) return;
  const shortest = await shrink(operations, async (list) => (await difference(list)) !== undefined);
  const steps = shortest.map((operation) => JSON.stringify(operation)).join("\n");
  throw new Error(`${await difference(shortest)} after\n${steps}\nwith ${JSON.stringify(options)}`);
}

async function findDifference(
  operations: readonly Operation[],
  options: StoreOptions,
  makeStore: MakeStore,
): Promise<string | undefined> {
  const [store, oracle] = [makeStore(options), new MapStore(options)];
  for (const operation of operations) {
    const { version } = store;
    const [found, expected] = [await outcome(store, operation), await outcome(oracle, operation)];
    if (found !== expected) return `${found}, not ${expected}`;
    const isChange = ["clear", "add", "addAll", "seal", "acknowledge"].includes(operation.do);
    if (!isChange && store.version !== version) return "another version";
  }
  return undefined;
}

async function outcome(store: CountStore, operation: Operation): Promise<string> {
  try {
    return JSON.stringify(await perform(store, operation));
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
      return store.get(IDS[operation.id] as string, operation.after);
    case "addAll":
      return store.addAll(new Map(operation.ids.map((id) => [IDS[id] as string, operation.plays])));
    case "seal":
      return store.seal(operation.fold);
    case "acknowledge":
      return store.acknowledge(operation.fold);
    case "fold":
      return read(store.fold(operation.fold));
    case "folds":
      return (store.folds() as SealedFold[]).map(({ fold, label }) => ({ fold, label }));
    case "clear":
      return store.clear(() => !operation.isWanted);
    case "top":
      return store.top(operation.n, operation.after);
    case "list":
      return read(store.entries(operation.after));
  }
}

function read(chunks: ReturnType<CountStore["entries"]>): Entry[] {
  return Array.from(chunks as Iterable<Iterable<Entry>>, (chunk) => [...chunk])
    .flat()
    .sort(byId);
}
