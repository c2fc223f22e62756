import { expect, test } from "bun:test";
import { type CountStore, MAX_COUNT, type RefusalReason } from "../../../src/mod.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import { countOf, byCount, byId, listed, type MakeStore, ODD_IDS, reasonOf, type Traits } from "./support.ts";

const STEPS = rounds(20_000, 1500);
const MAX_SONGS = 75;
const IDS = [...ODD_IDS, ...Array.from({ length: 60 }, (_, n) => `song-${n}`)];

/** Tests that random operations on the store and on a plain Map have the same results. */
export function testAgainstOracle(makeStore: MakeStore, { clearsOnCondition }: Traits): void {
  test("random operations have the same results as with a plain Map", async () => {
    const random = new Random("store");
    const pair: Pair = {
      store: await makeStore({ maxSongs: MAX_SONGS }),
      oracle: new Map(),
      refused: [],
      clearsOnCondition,
    };
    const times = (reason: RefusalReason) => pair.refused.filter((refused) => refused === reason).length;
    for (let step = 0; step < STEPS || Math.min(times("full"), times("overflow")) <= 20; step++) {
      const version = await pair.store.version;
      const changed = await anyStep(pair, random);
      expect((await pair.store.version) !== version).toBe(changed);
    }
  });
}

interface Pair {
  store: CountStore;
  oracle: Map<string, number>;
  refused: RefusalReason[];
  clearsOnCondition: boolean;
}

/** Does a random step, and returns true if it changes the store. */
async function anyStep(pair: Pair, random: Random): Promise<boolean> {
  const { store, oracle } = pair;
  const id = random.pick(IDS);
  const action = random.below(1000);
  if (action < 700)
    return await add(pair, id, random.chance(0.05) ? MAX_COUNT - random.below(3) : random.below(4));
  if (action < 980) {
    expect(await store.get(id)).toBe(oracle.get(id) ?? 0);
  } else if (action < 990) {
    const n = random.below(100) + 1;
    expect(await store.top(n)).toEqual([...oracle].sort(byCount).slice(0, n));
  } else if (action < 998 || oracle.size === 0) {
    expect(await listed(store)).toEqual([...oracle].sort(byId));
  } else {
    const isWanted = random.chance(0.5);
    if (pair.clearsOnCondition) expect(await store.clear(() => !isWanted)).toBe(isWanted);
    else if (isWanted) await store.clear();
    if (isWanted) oracle.clear();
    return isWanted;
  }
  return false;
}

async function add({ store, oracle, refused }: Pair, id: string, plays: number): Promise<boolean> {
  const before = oracle.get(id) ?? 0;
  const reason = refusal(oracle, id, plays);
  if (reason !== undefined) {
    expect(await reasonOf(() => store.add(id, plays))).toBe(reason);
    refused.push(reason);
    return false;
  }
  expect(await countOf(store.add(id, plays))).toBe(before + plays);
  if (plays > 0) oracle.set(id, before + plays);
  return plays > 0;
}

function refusal(counts: Map<string, number>, id: string, plays: number): RefusalReason | undefined {
  if (plays > MAX_COUNT - (counts.get(id) ?? 0)) return "overflow";
  return plays > 0 && !counts.has(id) && counts.size >= MAX_SONGS ? "full" : undefined;
}
