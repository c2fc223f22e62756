import type { Counters } from "./counters.ts";
import { type FoldState, type ServerFolds, type SetAside, JobRefusal, type Target } from "./target.ts";

// The steps of a hand-over
//
//   1. Read the folds of all servers, and then the state of the target: in the other order, a fold that
//      another job of this table seals in between would look strange.
//   2. Acknowledge the fold that the target has stored as a whole. Stop if a server has any other fold that
//      the target has not written down: it is another job's, or the database was set back.
//   3. Write down the number of the next fold. It is above every number that a server has seen.
//   4. Seal it on all servers, and read it to the end, before any transaction.
//   5. Store it: the plays and the number in one transaction, or in parts, each with the last id.
//   6. Acknowledge it.
//
// If the job dies: before 4 the next run seals the number that is written down. After 4 it reads the same
// fold again, as sealing is idempotent. In 5 a transaction is stored as a whole or not at all, and the state
// says which. In 6 the next run acknowledges.
//
// If a server forgets its folds: once a song of a fold may be stored, the fold is only read, never sealed
// again. Otherwise the server would seal new plays under the old number, and songs that have the number would
// pass them over.
//
// Not guaranteed: plays of a fold that a server without a disk loses between 4 and 5.

/** Options of a job. */
export interface JobOptions {
  target: Target;
  counters: Counters;
  /** A fold of another job that is handed over too. */
  adopt?: number | undefined;
  /** True to acknowledge folds of other jobs without storing them. */
  skip?: boolean | undefined;
  onProgress?: (progress: JobProgress) => void;
  /** Called at each step, for tests. */
  onStep?: (name: string) => void;
}

/** The songs of a fold, and how many of them are stored. */
export interface JobProgress {
  fold: number;
  songs: number;
  storedSongs: number;
}

/** A fold that was handed over. */
export interface HandedOver {
  /** Number of the fold. */
  fold: number;
  /** Number of its songs. */
  songs: number;
  /** Sum of their plays. */
  plays: number;
  /** Songs of the fold that could not be added to a row. */
  setAside: SetAside;
  /** True if an earlier run has sealed it: plays since then are in the next fold. */
  isResumed: boolean;
}

/** Hands over the fold that an earlier run has begun, and then what was counted since. */
export async function* handOverEach(options: JobOptions): AsyncGenerator<HandedOver> {
  for (let isResumed = true; isResumed;) {
    const done = await handOver(options);
    yield done;
    ({ isResumed } = done);
  }
}

/**
 * Hands one fold over.
 *
 * @throws {JobRefusal} if the operator has to decide; {OtherJob}; {RangeError} for wrong settings.
 */
export async function handOver(options: JobOptions): Promise<HandedOver> {
  const { target, counters, adopt, onStep = () => {} } = options;
  const { servers, state } = await begin(options, false);
  const isResumed = state.sealed !== undefined;
  const newest = Math.max(0, ...servers.map((server) => server.newest));
  const isStored = adopt === state.fold; // by an earlier run, which could not acknowledge it
  const next = isStored ? undefined : adopt;
  const fold = state.sealed ?? next ?? Math.max(state.fold + 1, newest + 1, Date.now());
  if (fold <= state.fold)
    throw new JobRefusal(`fold ${fold} is not above ${state.fold}, the last one that is stored`);
  if (!isResumed) await target.intend(state, fold);
  onStep("intended");
  const isAdopted = fold === adopt;
  const rows = target.rows();
  for (const { server } of servers) {
    await counters.read(server, fold, state.isBegun || isAdopted ? undefined : target.label, rows);
    onStep("sealed one");
  }
  const onProgress = (storedSongs: number) => options.onProgress?.({ fold, songs: rows.songs, storedSongs });
  onProgress(0);
  const sealedAt = timeOf(await counters.survey(), fold);
  const setAside = await target.store({ fold, sealedAt, rows, onProgress });
  onStep("stored");
  for (const { server } of servers) {
    await counters.acknowledge(server, fold, isAdopted ? undefined : target.label);
    onStep("acknowledged one");
  }
  return { fold, songs: rows.songs, plays: rows.plays, setAside, isResumed };
}

/** Returns what would be handed over. Seals and acknowledges nothing, and undoes what it stores. */
export async function tryOut(options: JobOptions): Promise<HandedOver> {
  const { fold, sealed } = (await begin(options, true)).state;
  const rows = options.target.rows();
  await options.counters.readAll(fold, rows);
  const setAside = await options.target.tryOut({ fold, rows, sealedAt: 0, onProgress: () => {} });
  return { fold, songs: rows.songs, plays: rows.plays, setAside, isResumed: sealed !== undefined };
}

/** Does steps 1 and 2. A trial changes nothing. */
async function begin(
  options: JobOptions,
  isTrial: boolean,
): Promise<{ servers: ServerFolds[]; state: FoldState }> {
  const { target, counters, adopt, skip = false } = options;
  await target.prepare(isTrial);
  const servers = await counters.survey();
  let state = await target.state(servers);
  if (state === undefined) {
    const [open] = servers.flatMap(({ server, folds }) => folds.map((fold) => ({ server, ...fold })));
    if (open !== undefined && adopt === undefined && !skip)
      throw strange(open.server, open.fold, open.label, "this table has no folds yet");
    const newest = Math.max(0, ...servers.map((server) => server.newest));
    state = { fold: adopt === undefined ? newest : adopt - 1, sealed: undefined, isBegun: false };
    if (!isTrial) await target.create(state.fold);
  }
  options.onStep?.("state read");
  for (const server of servers) {
    const done = findDone(options, server, state);
    if (!isTrial) for (const fold of done) await counters.acknowledge(server.server, fold);
  }
  return { servers, state };
}

/** Returns the folds of a server to acknowledge. @throws {JobRefusal} for a fold of another job. */
function findDone(options: JobOptions, of: ServerFolds, state: FoldState): number[] {
  const { target, adopt, skip = false } = options;
  const { server, newest, folds } = of;
  const last = `the last one of this table is ${state.fold}`;
  const done: number[] = [];
  for (const { fold, label } of folds) {
    const isOurs = label === target.label || fold === adopt;
    if (isOurs && fold !== state.fold && (fold === state.sealed || fold === adopt)) continue;
    if (!skip && !(isOurs && fold === state.fold)) throw strange(server, fold, label, last);
    done.push(fold);
  }
  const isOpen = folds.some(({ fold }) => fold === newest);
  const isKnown = newest <= state.fold || newest === state.sealed || isOpen;
  if (!target.keepsState || isKnown || skip) return done;
  throw new JobRefusal(
    `${server} has sealed fold ${newest}, which another job has handed over, or which was lost when the database was set back; ${last}. Go on without it by --skip`,
  );
}

function strange(server: string, fold: number, label: string, known: string): JobRefusal {
  const owner = label === "" ? "without a label" : `with the label ${JSON.stringify(label)}`;
  return new JobRefusal(
    `${server} has fold ${fold} ${owner}, which is not acknowledged and not of this job; ${known}. Store it by --adopt ${fold}, or drop its plays by --skip`,
  );
}

/** Returns when the first server sealed a fold; now if no server knows. */
function timeOf(servers: readonly ServerFolds[], of: number): number {
  const times = servers.flatMap(({ folds }) =>
    folds.flatMap(({ fold, sealedAt }) => (fold === of && sealedAt !== undefined ? [sealedAt] : [])),
  );
  return times.length === 0 ? Date.now() : Math.min(...times);
}
