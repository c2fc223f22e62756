import type { CountServers } from "./count-servers.ts";
import { commandNameIn, isMove } from "./label.ts";
import { type FoldState, JobRefusal, type OpenFold, type ServerFolds, type Target } from "./target.ts";

/** Whose folds a job takes for its own. */
export interface ClaimOptions {
  target: Target;
  counters: CountServers;
  /** A fold of another job that is handed over too. */
  adopt?: number | undefined;
  /** True to acknowledge folds of other jobs without storing them. */
  skip?: boolean | undefined;
}

/** The state before the first fold. */
export const NO_STATE: FoldState = { fold: 0, intended: undefined, upto: undefined };

/** A move can be completed with the list that it was begun with, and with no other. */
const COMPLETE_MOVE =
  "A part of it may have arrived at the servers of that move: complete it with the same --into";

/** Tells the folds of a job from those of other jobs, by its state and by labels. */
export class Claim {
  /** The state of the target. If it has none, the fold before the first one of the job. */
  readonly state: FoldState;
  /** The newest sealed fold of all servers; 0 if none. */
  readonly newest: number;
  /** The fold to adopt; `undefined` if an earlier run has stored it. */
  readonly adopt: number | undefined;
  readonly #options: ClaimOptions;
  readonly #found: FoldState | undefined;

  /**
   * `found` is the state of the target.
   *
   * @throws {JobRefusal} if a fold is to be adopted that no server has, that is older than the last one, or
   * that a move may have stored in part.
   */
  constructor(options: ClaimOptions, surveys: readonly ServerFolds[], found: FoldState | undefined) {
    this.#options = options;
    this.#found = found;
    this.newest = Math.max(...surveys.map(({ newest }) => newest));
    this.adopt = this.#adopted(surveys);
    const skipped = options.skip === true ? this.newest : 0;
    const first = this.adopt === undefined ? skipped : this.adopt - 1;
    this.state = found ?? { ...NO_STATE, fold: first };
  }

  /** Returns the fold to adopt. */
  #adopted(surveys: readonly ServerFolds[]): number | undefined {
    const { adopt, target } = this.#options;
    const { fold: last, intended } = this.#found ?? NO_STATE;
    if (adopt === undefined || adopt === intended) return adopt;
    const adopted = surveys.flatMap(({ folds }) => folds.filter(({ fold }) => fold === adopt));
    if (adopted.length === 0) {
      if (adopt <= Math.max(last, this.newest)) return undefined;
      throw new JobRefusal(`no server has fold ${adopt}, which --adopt names`);
    }
    const moved = adopted.find(({ label }) => isMove(label) && label !== target.label);
    if (moved !== undefined)
      throw new JobRefusal(
        `fold ${adopt} has the label ${JSON.stringify(moved.label)}, so it is not adopted. ${COMPLETE_MOVE}`,
      );
    if (adopt === last || adopt > (intended ?? last)) return adopt;
    throw new JobRefusal(
      `fold ${adopt} is not above ${intended ?? last}, the last one of this table. Drop its plays by --skip`,
    );
  }

  /** Returns true for a fold of the job that is not stored as a whole. */
  isPending({ fold, label }: OpenFold): boolean {
    const { state, adopt } = this;
    const isIntended = fold === state.intended && label === this.#options.target.label;
    return fold !== state.fold && (fold === adopt || isIntended);
  }

  /** @throws {JobRefusal} if the job cannot go on before the operator has decided about a fold. */
  async check(surveys: readonly ServerFolds[], isTrial: boolean): Promise<void> {
    const { intended, servers: begunWith } = this.state;
    const { names } = this.#options.counters;
    if (intended !== undefined && intended !== this.adopt && (begunWith ?? names) !== names)
      throw new JobRefusal(
        `fold ${intended} was begun with --from ${begunWith}: complete it with these. If they have other addresses now, or are gone, --adopt ${intended} completes it with what the present ones have`,
      );
    for (const counter of this.#options.skip === true ? [] : surveys) {
      const strange = await this.#findStrange(counter, isTrial);
      if (strange !== undefined) throw new JobRefusal(`${counter.server} has ${strange}`);
    }
  }

  /** Describes a fold of another job. */
  async #findStrange(counter: ServerFolds, isTrial: boolean): Promise<string | undefined> {
    const { state, adopt } = this;
    const { target } = this.#options;
    const last = state.fold === 0 ? "" : `; the last one of this table is ${state.fold}`;
    for (const { fold, label } of counter.folds) {
      const isRecorded = fold === this.#found?.intended || fold === this.#found?.fold;
      const job = isRecorded ? undefined : await target.jobOf?.(fold);
      if (job !== undefined)
        return `fold ${fold} of the job ${JSON.stringify(job)} in playcount_fold. Complete it with that table and --name first`;
      const isOwn = label === target.label && (fold === state.fold || fold === state.intended);
      if (isOwn || fold === adopt) continue;
      const owner = label === "" ? "without a label" : `with the label ${JSON.stringify(label)}`;
      return `fold ${fold} ${owner}, which is not acknowledged and not of this job${last}. ${this.#adviceFor(fold, label)}`;
    }
    if (await this.#hasHandedOver(counter, isTrial)) return undefined;
    const orLost = target.state && `, or which was lost when the database was set back${last}`;
    return `sealed fold ${counter.newest}, which another job has handed over${orLost ?? ""}. Go on without it by --skip`;
  }

  /** Says what can be done about a fold of another job. */
  #adviceFor(fold: number, label: string): string {
    const { intended, fold: last } = this.state;
    if (isMove(label)) return `${COMPLETE_MOVE}. If it cannot be completed, drop the rest by --skip`;
    if (fold <= (intended ?? last)) return "Drop its plays by --skip";
    const isCommand = commandNameIn(this.#options.target.label) !== undefined;
    const name = isCommand ? commandNameIn(label) : undefined;
    const rename = `If that was this command before a change, add --name ${quotedForShell(name ?? "")}. `;
    const complete = "Its own job may have stored a part of it: let that job complete it if it can. ";
    return `${complete}${name === undefined ? "" : rename}Store it by --adopt ${fold}, or drop its plays by --skip`;
  }

  /** Returns true unless the newest fold of a server is acknowledged, and not of this job. */
  async #hasHandedOver({ server, newest, folds }: ServerFolds, isTrial: boolean): Promise<boolean> {
    const { target, counters, adopt } = this.#options;
    if (newest === 0 || folds.some(({ fold }) => fold === newest)) return true;
    if (target.state !== undefined) return newest <= this.state.fold || newest === this.state.intended;
    if (target.isAlone !== true || isTrial || newest === adopt) return true;
    return await counters.isLabelled(server, newest, target.label);
  }
}

function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
