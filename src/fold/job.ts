import type { CountServers } from "./count-servers.ts";
import { adoptedBy, checkOwner, type Claims, findDone, refuseOtherJob } from "./ownership.ts";
import { FoldSongs } from "./songs.ts";
import { type FoldState, type ServerFolds, JobRefusal, SetAside } from "./target.ts";

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
export interface JobOptions extends Claims {
  counters: CountServers;
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
  const { target, counters, onStep = () => {} } = options;
  const { servers, state, adopt } = await begin(options, false);
  const newest = Math.max(0, ...servers.map((server) => server.newest));
  const isStored = adopt === state.fold; // by an earlier run, which could not acknowledge it
  const next = isStored ? undefined : adopt;
  const fold = state.sealed ?? next ?? Math.max(state.fold + 1, newest + 1, Date.now());
  if (state.sealed === undefined) await target.intend?.(state, fold, counters.names);
  onStep("intended");
  const isAdopted = fold === adopt;
  const isResumed = isAdopted || state.sealed !== undefined;
  const list = new FoldSongs();
  for (const { server } of servers) {
    await counters.read(server, fold, state.upto !== undefined || isAdopted ? undefined : target.label, list);
    onStep("sealed one");
  }
  const surveyed = await counters.survey();
  const times = surveyed.map(({ folds }) => folds.find((open) => open.fold === fold)?.sealedAt);
  const known = times.filter((time) => time !== undefined);
  const sealedAt = known.length === 0 ? Date.now() : Math.min(...known);
  const onProgress = (storedSongs: number) => options.onProgress?.({ fold, songs: list.size, storedSongs });
  const setAside = new SetAside();
  await target.store({ fold, sealedAt, songs: list, setAside, onProgress });
  onStep("stored");
  for (const { server } of servers) {
    await counters.acknowledge(server, fold, isAdopted ? undefined : target.label);
    onStep("acknowledged one");
  }
  return { fold, songs: list.size, plays: list.plays, setAside, isResumed };
}

/** Returns what would be handed over. Seals and acknowledges nothing, and undoes what it stores. */
export async function tryOut(options: JobOptions): Promise<HandedOver> {
  const { target, counters } = options;
  const { servers, state } = await begin(options, true);
  const [begun, list] = [new FoldSongs(), new FoldSongs()];
  const stored = state.upto === undefined ? undefined : state.sealed;
  for (const { server, newest, folds } of servers) {
    for (const { fold } of folds)
      await counters.read(server, fold, undefined, fold === stored ? begun : list);
    await counters.readSince(server, newest, list);
  }
  for (const { songs } of begun.parts(Infinity, state.upto)) for (const song of songs) list.add(...song);
  const fold = state.fold || Math.max(...servers.map(({ newest }) => newest));
  const setAside = new SetAside();
  await target.tryOut?.({ fold, songs: list, sealedAt: 0, setAside, onProgress: () => {} });
  return { fold, songs: list.size, plays: list.plays, setAside, isResumed: state.sealed !== undefined };
}

/** Does steps 1 and 2. Returns the servers with their other folds. A trial changes nothing. */
async function begin(
  options: JobOptions,
  isTrial: boolean,
): Promise<{ servers: ServerFolds[]; state: FoldState; adopt: number | undefined }> {
  const { target, counters, skip = false } = options;
  await target.prepare?.(isTrial);
  await counters.refuseTwins();
  if (Number.isFinite(target.maxIdBytes)) await counters.refuseLongIds(target.maxIdBytes as number);
  const servers = await counters.survey();
  const found = target.state === undefined ? stateOf(servers, target.label) : await target.state();
  if (!skip) await refuseOtherJob(target, servers, found);
  const adopt = adoptedBy(options, servers, found);
  const first = adopt !== undefined ? adopt - 1 : skip ? Math.max(...servers.map(({ newest }) => newest)) : 0;
  const state = found ?? { fold: first, sealed: undefined, upto: undefined };
  const { sealed, servers: begunWith = counters.names } = state;
  if (sealed !== undefined && sealed !== adopt && begunWith !== counters.names)
    throw new JobRefusal(
      `fold ${sealed} was begun with --from ${begunWith}: complete it with these. If they have other addresses now, or are gone, --adopt ${sealed} completes it with what the present ones have`,
    );
  const done = servers.map((server) => findDone({ ...options, adopt }, server, state));
  if (target.isAlone === true && !skip && !isTrial)
    for (const server of servers)
      if (server.newest !== options.adopt) await checkOwner(counters, target.label, server);
  if (found === undefined && !isTrial) await target.create?.(first);
  options.onStep?.("state read");
  for (const [at, { server }] of servers.entries())
    for (const fold of isTrial ? [] : (done[at] ?? []))
      if (fold === state.fold) await counters.acknowledge(server, fold);
      else if (fold < (sealed ?? Infinity)) await counters.drop(server, fold); // later ones in the next round
  return {
    servers: servers.map(({ folds, ...server }, at) => ({
      ...server,
      folds: folds.filter(({ fold }) => !done[at]?.includes(fold)),
    })),
    ...{ state, adopt },
  };
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
