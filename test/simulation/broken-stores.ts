import {
  type Addition,
  type BatchAddition,
  type CountStore,
  Refusal,
  type RequestKey,
  type SealedFold,
} from "../../src/mod.ts";
import { MapStore } from "../store/map-store.ts";
import type { Random } from "../support/random.ts";

type Chunks = Iterable<Iterable<readonly [string, number]>>;

/** Returns a store with some methods replaced. */
export function changed(store: CountStore, changes: Partial<CountStore>): CountStore {
  const asIs: CountStore = {
    maxIdBytes: store.maxIdBytes,
    version: store.version,
    get newestFold() {
      return store.newestFold;
    },
    get: (id, after) => store.get(id, after),
    getAll: (ids, after) => store.getAll(ids, after),
    add: (id, plays, key) => store.add(id, plays, key),
    addAll: (plays, key) => store.addAll(plays, key),
    entries: (after) => store.entries(after),
    top: (n, after) => store.top(n, after),
    seal: (fold, label) => store.seal(fold, label),
    folds: () => store.folds(),
    fold: (fold) => store.fold(fold),
    acknowledge: (fold, label) => store.acknowledge(fold, label),
    clear: (unless) => store.clear(unless),
    figures: () => store.figures(),
  };
  return { ...asIs, ...changes };
}

/** Returns a writer's first answer to all of its requests. */
export function knowsWriterOnly(store: CountStore): CountStore {
  const answers = new Map<string, Addition>();
  return changed(store, {
    add(id, plays, key) {
      const answer = answers.get(key?.writer ?? "") ?? (store.add(id, plays) as Addition);
      if (key !== undefined) answers.set(key.writer, answer);
      return answer;
    },
  });
}

/** Hands a fold out only once. */
export function handsOutOnce(store: CountStore): CountStore {
  const handedOut = new Set<number>();
  return changed(store, {
    fold(fold) {
      if (handedOut.has(fold)) return [];
      handedOut.add(fold);
      return store.fold(fold);
    },
  });
}

/** Excludes the acknowledged fold for every `after`, instead of keeping it. */
export function forgetsKept(store: CountStore): CountStore {
  let acknowledged = 0;
  return changed(store, {
    acknowledge(fold) {
      void store.acknowledge(fold);
      acknowledged = Math.max(acknowledged, fold);
    },
    get: (id, after) => store.get(id, after === undefined ? after : Math.max(after, acknowledged)),
  });
}

/** Two workers with a store each. The second may hear of a seal later than the first. */
export class DelayedSeal extends MapStore {
  readonly #workers = [new MapStore(), new MapStore()] as const;
  readonly #random: Random | undefined;
  readonly #unheard: number[] = [];
  /** The answers to all requests, as only sealing is wrong here. */
  readonly #answered = new Map<string, Addition>();
  #turn = 0;

  /** Without `random` nothing is delayed. */
  constructor(random: Random | undefined) {
    super();
    this.#random = random;
  }

  override get(id: string, after?: number): number {
    this.#hear();
    return this.#workers[0].get(id, after) + this.#workers[1].get(id, after);
  }

  override add(id: string, plays: number, key?: RequestKey): Addition {
    this.#hear();
    const name = `${key?.writer}:${key?.seq}`;
    const answered = this.#answered.get(name);
    if (answered !== undefined) return answered;
    this.#turn = 1 - this.#turn;
    const { fold } = (this.#workers[this.#turn] as MapStore).add(id, plays);
    const addition = { count: this.get(id), fold };
    this.#answered.set(name, addition);
    return addition;
  }

  override addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): BatchAddition {
    const added = Array.from(plays, ([id, more]) => this.add(id, more, key));
    return { counts: Float64Array.from(added, ({ count }) => count), fold: added[0]?.fold ?? 0 };
  }

  override seal(fold: number): boolean {
    this.#hear();
    const isNew = this.#workers[0].seal(fold);
    if (this.#random === undefined) this.#workers[1].seal(fold);
    else if (isNew) this.#unheard.push(fold);
    return isNew;
  }

  override fold(fold: number): Chunks {
    return this.#workers.flatMap((worker) => [...orNothing(() => worker.fold(fold), [])]);
  }

  override folds(): SealedFold[] {
    return this.#workers[0].folds();
  }

  override acknowledge(fold: number): void {
    this.#workers[0].acknowledge(fold);
    orNothing(() => this.#workers[1].acknowledge(fold), undefined);
  }

  #hear(): void {
    if (this.#random?.chance(0.3)) for (const fold of this.#unheard.splice(0)) this.#workers[1].seal(fold);
  }
}

function orNothing<T>(act: () => T, nothing: T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) return nothing;
    throw error;
  }
}
