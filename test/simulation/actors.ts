import { type Addition, type CountStore, Refusal, type RequestKey, type SealedFold } from "../../src/mod.ts";
import { LOST, type Server, SONGS, type World } from "./world.ts";

/** An activity in steps. Other actors may act between two of them. */
export type Actor = Generator<void, void, void>;

/** The choices of a design. All ways except one are wrong. */
export interface Design {
  /** The key of the `attempt`-th time that a request is sent. */
  keyOf: (key: RequestKey, attempt: number) => RequestKey | undefined;
  /** The `after` of a page, by the fold of its row and the last fold done. */
  after: (fold: number, done: number) => number;
  /** True if a page reads its row and the last fold done at one instant. */
  readsTogether: boolean;
  /** True if a row that already has the fold is not changed. */
  guardsRows: boolean;
  /** The moments at which the last fold done is stored and acknowledged. */
  storesDone: "after the rows" | "before the rows";
  acknowledges: "after the rows" | "before the rows";
  /** The source from which a job learns, after a crash, which fold was done last. */
  goesBy: "the database" | "what is not acknowledged" | "what is sealed";
  /** True if a job waits for the answers of all servers. */
  asksAll: boolean;
}

/** Plays songs one after another, and retries each until it is answered or given up. */
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

/** Displays totals: reads a row, and later the counter. */
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

/**
 * What the counter says beyond the folds up to `after`, and the truth at the same instant; `undefined` if it
 * cannot tell.
 */
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

/** Seals a fold and returns its songs. Checks that no count changes. */
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

/** Sends a request until it is answered, or only once. Returns `undefined` without an answer. */
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
    const [oldest] = store?.folds() as SealedFold[];
    return goesBy === "what is sealed" ? newest : (oldest?.fold ?? newest + 1) - 1;
  });
  return goesBy === "what is sealed" ? Math.max(...ofEach) : Math.min(...ofEach);
}
