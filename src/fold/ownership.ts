import type { CountServers } from "./count-servers.ts";
import { type FoldState, JobRefusal, type ServerFolds, type Target } from "./target.ts";

/** The folds that a job takes for its own. */
export interface Claims {
  /** Has the label of the job's folds. */
  target: Target;
  /** A fold of another job that is handed over too. */
  adopt?: number | undefined;
  /** True to acknowledge folds of other jobs without storing them. */
  skip?: boolean | undefined;
}

/**
 * Returns the fold to adopt; `undefined` if a run before has stored it.
 *
 * @throws {JobRefusal} if no server has it, or the table has a later one.
 */
export function adoptedBy(
  { adopt }: Claims,
  servers: readonly ServerFolds[],
  state: FoldState | undefined,
): number | undefined {
  const { fold: last = 0, sealed } = state ?? {};
  if (adopt === undefined || adopt === sealed) return adopt;
  if (!servers.some(({ folds }) => folds.some(({ fold }) => fold === adopt))) {
    if (adopt <= Math.max(last, ...servers.map(({ newest }) => newest))) return undefined;
    throw new JobRefusal(`no server has fold ${adopt}, which --adopt names`);
  }
  if (adopt === last || adopt > (sealed ?? last)) return adopt;
  throw new JobRefusal(
    `fold ${adopt} is not above ${sealed ?? last}, the last one of this table. Drop its plays by --skip`,
  );
}

/** Returns the folds of a server to acknowledge. @throws {JobRefusal} for a fold of another job. */
export function findDone(claims: Claims, of: ServerFolds, state: FoldState): number[] {
  const { target, adopt, skip = false } = claims;
  const { server, newest, folds } = of;
  const done: number[] = [];
  for (const { fold, label } of folds) {
    const isOurs = label === target.label || fold === adopt;
    if (isOurs && fold !== state.fold && (fold === state.sealed || fold === adopt)) continue;
    if (!skip && !(isOurs && fold === state.fold)) throw strange(server, fold, label, state);
    done.push(fold);
  }
  const isKnown = newest <= state.fold || newest === state.sealed || isOpen(of);
  if (target.state === undefined || isKnown || skip) return done;
  throw new JobRefusal(
    `${server} has sealed fold ${newest}, which another job has handed over, or which was lost when the database was set back${lastOf(state)}. Go on without it by --skip`,
  );
}

/** @throws {JobRefusal} if the newest fold of a server is acknowledged, and of another job. */
export async function checkOwner(counters: CountServers, label: string, of: ServerFolds): Promise<void> {
  const { server, newest } = of;
  if (newest === 0 || isOpen(of) || (await counters.isLabelled(server, newest, label))) return;
  throw new JobRefusal(
    `${server} has sealed fold ${newest}, which another job has handed over. Go on without it by --skip`,
  );
}

/** @throws {JobRefusal} if a fold is of another job of the database, which may have stored it in part. */
export async function refuseOtherJob(
  target: Target,
  servers: readonly ServerFolds[],
  state: FoldState | undefined,
): Promise<void> {
  for (const { server, folds } of servers)
    for (const { fold } of folds) {
      if (fold === state?.sealed || fold === state?.fold) continue;
      const job = await target.jobOf?.(fold);
      if (job === undefined) continue;
      throw new JobRefusal(
        `${server} has fold ${fold} of the job ${JSON.stringify(job)} in playcount_fold. Complete it with that table and --name first`,
      );
    }
}

/** Returns true if the newest fold of a server is not acknowledged. */
function isOpen({ newest, folds }: ServerFolds): boolean {
  return folds.some(({ fold }) => fold === newest);
}

function strange(server: string, fold: number, label: string, state: FoldState): JobRefusal {
  const store = fold > (state.sealed ?? state.fold) ? `Store it by --adopt ${fold}, or drop` : "Drop";
  const owner = label === "" ? "without a label" : `with the label ${JSON.stringify(label)}`;
  return new JobRefusal(
    `${server} has fold ${fold} ${owner}, which is not acknowledged and not of this job${lastOf(state)}. ${store} its plays by --skip`,
  );
}

function lastOf({ fold }: FoldState): string {
  return fold === 0 ? "" : `; the last one of this table is ${fold}`;
}
