import { Claim, type ClaimOptions, NO_STATE } from "./claim.ts";
import { FoldSongs } from "./songs.ts";
import { type FoldState, BrokenFold, type ServerFolds, SetAside } from "./target.ts";

// The steps of a hand-over
//
//   1. Read the folds of all servers, and then the state of the target: in the other order, a fold that
//      another job of this table seals in between would look strange.
//   2. Acknowledge the fold that the target has stored as a whole. Stop if a server has any other fold that
//      the target has not written down: it is another job's, or the database was set back.
//   3. Write down the number of the next fold, and its servers: a run without one of them would take its part
//      for stored. The number is above every number that a server has seen.
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
// Not guaranteed: plays of a fold that a server without a disk loses between 4 and 5. Without a state, plays
// of a server that a run after a failure leaves out: the fold has been stored under the number without them.

/** Options of a job. */
export interface JobOptions extends ClaimOptions {
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
  /** True if an earlier run or another job has sealed it: plays since then are in the next fold. */
  isResumed: boolean;
}

/** Hands over the fold that an earlier run has begun, or that is adopted, and then what was counted since. */
export async function* handOverEach(options: JobOptions): AsyncGenerator<HandedOver> {
  for (let isResumed = true; isResumed;) {
    const done = await handOver(options);
    if (done === undefined) continue; // the fold was dropped
    yield done;
    ({ isResumed } = done);
  }
}

/**
 * Hands one fold over. Returns `undefined` if it cannot be completed, and was dropped because of `skip`.
 *
 * @throws {JobRefusal} if the operator has to decide; {OtherJob}; {RangeError} for wrong settings.
 */
async function handOver(options: JobOptions): Promise<HandedOver | undefined> {
  const { target, counters, onStep = () => {} } = options;
  const { surveys, claim } = await begin(options, false);
  const { state, adopt } = claim;
  const begun = state.intended ?? (adopt === state.fold ? undefined : adopt);
  const fold = begun ?? Math.max(Date.now(), state.fold + 1, claim.newest + 1);
  if (state.intended === undefined) await target.intend?.(state, fold, counters.names);
  onStep("intended");
  const label = fold === adopt ? undefined : target.label;
  const songs = new FoldSongs();
  for (const { server } of surveys) {
    await counters.read(server, fold, state.upto === undefined ? label : undefined, songs);
    onStep("sealed one");
  }
  const sealedAt = await counters.sealedAt(fold);
  const onProgress = (storedSongs: number) => options.onProgress?.({ fold, songs: songs.size, storedSongs });
  const setAside = new SetAside();
  try {
    await target.store({ fold, sealedAt, songs, setAside, onProgress });
  } catch (error) {
    if (!(error instanceof BrokenFold) || options.skip !== true) throw error;
    for (const { server } of surveys) await counters.drop(server, fold);
    return undefined;
  }
  onStep("stored");
  for (const { server } of surveys) {
    await counters.acknowledge(server, fold, label);
    onStep("acknowledged one");
  }
  return { fold, songs: songs.size, plays: songs.plays, setAside, isResumed: begun !== undefined };
}

/** Returns what would be handed over. Seals and acknowledges nothing, and undoes what it stores. */
export async function preview(options: JobOptions): Promise<HandedOver> {
  const { target, counters } = options;
  const { surveys, claim } = await begin(options, true);
  const { fold: last, intended, upto } = claim.state;
  const [begun, songs] = [new FoldSongs(), new FoldSongs()];
  for (const { server, newest, folds } of surveys) {
    for (const { fold } of folds.filter((open) => claim.isPending(open)))
      await counters.read(server, fold, undefined, fold === intended ? begun : songs);
    await counters.readSince(server, newest, songs);
  }
  for (const part of begun.parts(Infinity, upto)) for (const song of part.songs) songs.add(...song);
  const fold = last || claim.newest;
  const setAside = new SetAside();
  await target.tryOut?.({ fold, songs, sealedAt: 0, setAside, onProgress: () => {} });
  return { fold, songs: songs.size, plays: songs.plays, setAside, isResumed: intended !== undefined };
}

/** Does steps 1 and 2. A trial changes nothing. */
async function begin(
  options: JobOptions,
  isTrial: boolean,
): Promise<{ surveys: ServerFolds[]; claim: Claim }> {
  const { target, counters } = options;
  await target.prepare?.(isTrial);
  await counters.refuseTwins();
  if (target.maxIdBytes !== undefined) await counters.refuseLongIds(target.maxIdBytes);
  const surveys = await counters.survey();
  const found = target.state === undefined ? stateOf(surveys, target.label) : await target.state();
  const claim = new Claim(options, surveys, found);
  await claim.check(surveys, isTrial);
  if (found === undefined && !isTrial) await target.create?.(claim.state.fold);
  options.onStep?.("state read");
  for (const { server, folds } of isTrial ? [] : surveys)
    for (const { fold } of folds.filter((open) => !claim.isPending(open)))
      if (fold === claim.state.fold) await counters.acknowledge(server, fold);
      else if (fold < (claim.state.intended ?? Infinity)) await counters.drop(server, fold); // later ones in the next round
  return { surveys, claim };
}

/** Returns the state of a target that records nothing. */
function stateOf(surveys: readonly ServerFolds[], own: string): FoldState {
  const open = surveys.flatMap(({ folds }) => folds.filter(({ label }) => label === own));
  if (open.length === 0) return NO_STATE;
  return { ...NO_STATE, intended: Math.min(...open.map(({ fold }) => fold)), upto: "" };
}
