import { delay } from "../async/timing.ts";
import type { Counters } from "./counters.ts";
import { FoldRows } from "./rows.ts";
import { type FoldState, type ServerFolds, JobRefusal, SetAside, type Target } from "./target.ts";

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
async function handOver(options: JobOptions): Promise<HandedOver> {
  const { target, counters, adopt, onStep = () => {} } = options;
  const { servers, state } = await begin(options, false);
  const isResumed = state.sealed !== undefined;
  const newest = Math.max(0, ...servers.map((server) => server.newest));
  const isStored = adopt === state.fold; // by an earlier run, which could not acknowledge it
  const next = isStored ? undefined : adopt;
  const fold = state.sealed ?? next ?? Math.max(state.fold + 1, newest + 1, Date.now());
  if (fold <= state.fold)
    throw new JobRefusal(`fold ${fold} is not above ${state.fold}, the last one that is stored`);
  if (!isResumed) await target.intend?.(state, fold);
  onStep("intended");
  const isAdopted = fold === adopt;
  const rows = target.rows?.() ?? new FoldRows();
  const shares: Share[] = [];
  for (const { server } of servers) {
    await delay(SEAL_PAUSE_MS);
    const { songs, plays } = rows;
    await counters.read(server, fold, state.upto !== undefined || isAdopted ? undefined : target.label, rows);
    shares.push({ server, songs: rows.songs - songs, plays: rows.plays - plays });
    onStep("sealed one");
  }
  const surveyed = await counters.survey();
  const times = surveyed.map(({ folds }) => folds.find((open) => open.fold === fold)?.sealedAt);
  if (!isAdopted) refuseTwins(shares, times);
  const known = times.filter((time) => time !== undefined);
  const sealedAt = known.length === 0 ? Date.now() : Math.min(...known);
  const onProgress = (storedSongs: number) => options.onProgress?.({ fold, songs: rows.songs, storedSongs });
  onProgress(0);
  const setAside = new SetAside();
  await target.store({ fold, sealedAt, rows, setAside, onProgress });
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
  const rows = options.target.rows?.() ?? new FoldRows();
  await options.counters.readAll(fold, rows);
  const setAside = new SetAside();
  await options.target.tryOut?.({ fold, rows, sealedAt: 0, setAside, onProgress: () => {} });
  return { fold, songs: rows.songs, plays: rows.plays, setAside, isResumed: sealed !== undefined };
}

/** Does steps 1 and 2. A trial changes nothing. */
async function begin(
  options: JobOptions,
  isTrial: boolean,
): Promise<{ servers: ServerFolds[]; state: FoldState }> {
  const { target, counters, adopt, skip = false } = options;
  await target.prepare?.(isTrial);
  const servers = await counters.survey();
  let state = target.state === undefined ? stateOf(servers, target.label) : await target.state();
  if (state === undefined) {
    const [open] = servers.flatMap(({ server, folds }) => folds.map((fold) => ({ server, ...fold })));
    if (open !== undefined && adopt === undefined && !skip)
      throw strange(open.server, open.fold, open.label, "this table has no folds yet");
    const newest = Math.max(0, ...servers.map((server) => server.newest));
    state = { fold: adopt === undefined ? newest : adopt - 1, sealed: undefined, upto: undefined };
    if (!isTrial) await target.create?.(state.fold);
  }
  options.onStep?.("state read");
  for (const server of servers) {
    const done = findDone(options, server, state);
    if (!isTrial) for (const fold of done) await counters.acknowledge(server.server, fold);
  }
  return { servers, state };
}

/** Returns the state of a target that records nothing. */
function stateOf(servers: readonly ServerFolds[], own: string): FoldState {
  const open = servers.flatMap(({ folds }) =>
    folds.filter(({ label }) => label === own).map(({ fold }) => fold),
  );
  return open.length === 0
    ? { fold: 0, sealed: undefined, upto: undefined }
    : { fold: 0, sealed: Math.min(...open), upto: "" };
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
  if (target.state === undefined || isKnown || skip) return done;
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

/** Pause before each seal, so that a fold has another time on each server. */
const SEAL_PAUSE_MS = 2;

/** Songs and plays of one server in a fold. */
interface Share {
  server: string;
  songs: number;
  plays: number;
}

/** @throws {JobRefusal} if two URLs have the same fold, sealed at the same time: they are one server. */
function refuseTwins(shares: readonly Share[], times: readonly (number | undefined)[]): void {
  for (const [at, { server, songs, plays }] of shares.entries()) {
    const isTwin = (other: Share, n: number) =>
      times[n] !== undefined && times[n] === times[at] && other.songs === songs && other.plays === plays;
    const twin = plays > 0 ? shares.slice(0, at).find(isTwin) : undefined;
    if (twin === undefined) continue;
    throw new JobRefusal(
      `${twin.server} and ${server} have the same plays: they are one server, or share a Redis. List it once in --from`,
    );
  }
}
