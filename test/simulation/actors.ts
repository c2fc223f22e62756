import { type Addition, type CountStore, Refusal, type RequestKey } from "../../src/mod.ts";
import { LOST, type Server, SONGS, type World } from "./world.ts";

/** Something that happens step by step: between two steps anything else may. */
export type Actor = Generator<void, void, void>;

/** What can be done in more than one way, of which all but one are wrong. */
export interface Design {
  /** The key of the `attempt`-th time that a request is sent. */
  keyOf: (key: RequestKey, attempt: number) => RequestKey | undefined;
  /** Which folds a page leaves out of the counter's answer, by the fold of its row and the last one done. */
  after: (fold: number, done: number) => number;
  /** Whether a page reads its row and the last fold done at one instant. */
  readsTogether: boolean;
  /** Whether a row is left alone that has a fold already. */
  guardsRows: boolean;
  /** When the last fold done is stored, and when it is acknowledged. */
  storesDone: "behind the rows" | "before the rows";
  acknowledges: "behind the rows" | "before the rows";
  /** Where a job that begins anew after a crash looks up what was done last. */
  goesBy: "the database" | "what is not acknowledged" | "what is sealed";
  /** Whether a job waits for the answers of all servers. */
  asksAll: boolean;
}

/** Plays songs, one after the other, each again until it is answered, or until it is given up. */
export function* client(world: World, design: Design, writer: string): Actor {
  const { random } = world;
  for (let seq = 1; seq <= 6; seq++) {
    const id = random.pick(SONGS);
    const plays = 1 + random.below(3);
    const isBatch = random.chance(0.3);
    let first: Addition | undefined;
    for (let attempt = 0; ; attempt++) {
      yield;
      const key = design.keyOf({ writer, seq }, attempt);
      const answer = world.request(world.serverOf(id), (store) => {
        const addition = isBatch ? addBatch(store, id, plays, key) : store.add(id, plays, key);
        if (first === undefined) world.count(id, plays);
        first ??= addition as Addition;
        return addition as Addition;
      });
      if (answer !== LOST && answer.count !== first?.count)
        world.wrong.push("another answer to the same play");
      if (answer !== LOST || random.chance(0.05)) break;
    }
  }
}

function addBatch(store: CountStore, id: string, plays: number, key: RequestKey | undefined): Addition {
  const { counts, fold } = store.addAll(new Map([[id, plays]]), key) as Awaited<
    ReturnType<CountStore["addAll"]>
  >;
  return { count: counts[0] ?? 0, fold };
}

/** Shows totals: reads a row, and some time later the counter. */
export function* page(world: World, { after, readsTogether }: Design): Actor {
  for (;;) {
    const id = world.random.pick(SONGS);
    yield;
    const { plays, fold } = world.rowOf(id);
    if (!readsTogether) yield;
    const left = after(fold, world.done);
    for (;;) {
      yield;
      const answer = world.request(world.serverOf(id), (store) => look(world, store, id, left));
      if (answer === LOST) continue;
      if (answer === undefined) world.gone++;
      else {
        world.displayed++;
        if (plays + answer.count !== answer.truth)
          world.wrong.push(`a page shows ${plays + answer.count} for ${answer.truth}`);
      }
      break;
    }
  }
}

/** What the counter says beyond the folds up to `after`, and the truth at the same instant; `undefined` if it cannot tell. */
export function look(
  world: World,
  store: CountStore,
  id: string,
  after: number,
): { count: number; truth: number } | undefined {
  try {
    return { count: store.get(id, after) as number, truth: world.truthOf(id) };
  } catch (error) {
    if (error instanceof Refusal && error.reason === "gone") return undefined;
    throw error;
  }
}

/** The batch job, as it begins after a start or a crash: it knows what the database has. */
export function* job(world: World, design: Design): Actor {
  let number = lastDone(world, design);
  for (;;) {
    yield* acknowledgeUpTo(world, number);
    const fold = ++number;
    const sealed = new Map<string, number>();
    for (const server of world.servers) {
      const mapping = yield* ask(world, server, (store) => seal(world, store, fold), design.asksAll);
      for (const [id, plays] of mapping ?? []) sealed.set(id, (sealed.get(id) ?? 0) + plays);
    }
    if (design.acknowledges === "before the rows") yield* acknowledgeUpTo(world, fold);
    if (design.storesDone === "before the rows") world.done = Math.max(world.done, fold);
    for (const [id, plays] of [...sealed].sort()) {
      yield;
      const row = world.rowOf(id);
      if (row.fold < fold || !design.guardsRows) world.rows.set(id, { plays: row.plays + plays, fold });
    }
    yield;
    world.done = Math.max(world.done, fold);
  }
}

/** Seals a fold, and gives what is in it. No count may change by that. */
function seal(world: World, store: CountStore, fold: number): [string, number][] {
  const counts = () => SONGS.map((id) => store.get(id)).join();
  const before = counts();
  store.seal(fold);
  if (counts() !== before) world.wrong.push("a count changed when a fold was sealed");
  const entries: [string, number][] = [];
  for (const chunk of store.fold(fold) as Iterable<Iterable<[string, number]>>) entries.push(...chunk);
  return entries;
}

function* acknowledgeUpTo(world: World, fold: number): Generator<void, void, void> {
  if (fold === 0) return;
  for (const server of world.servers) yield* ask(world, server, (store) => store.acknowledge(fold), true);
}

/** Asks until there is an answer, or but once; `undefined` if there was none. */
function* ask<T>(
  world: World,
  server: Server,
  act: (store: CountStore) => T,
  isUntilAnswered: boolean,
): Generator<void, T | undefined, void> {
  for (;;) {
    yield;
    const answer = world.request(server, act);
    if (answer !== LOST) return answer;
    if (!isUntilAnswered) return undefined;
  }
}

function lastDone(world: World, { goesBy }: Design): number {
  if (goesBy === "the database") return world.done;
  const ofEach = world.servers.map(([store]) => {
    const newest = (store?.add(SONGS[0] as string, 0) as Addition).fold;
    const [oldest = newest + 1] = store?.folds() as number[];
    return goesBy === "what is sealed" ? newest : oldest - 1;
  });
  return goesBy === "what is sealed" ? Math.max(...ofEach) : Math.min(...ofEach);
}
