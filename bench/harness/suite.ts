/** Measurements that belong together, made in one run. */
export interface Suite {
  readonly name: string;
  run(options: RunOptions): Promise<SuiteResult>;
}

/** Most rounds of a measurement whose rounds take tens of seconds. */
export const MAX_LONG_ROUNDS = 5;

/** Rounds that are discarded at first, while the JIT compilers are still at work. */
const WARM_UP_ROUNDS = 3;

/** Size of a run. */
export interface RunOptions {
  /** Rounds of each measurement. Those that take long have at most {@linkcode MAX_LONG_ROUNDS}. */
  rounds: number;
  /** Measures with as little load as yields every figure, whatever its worth. */
  smoke: boolean;
}

/** Rounds to discard at first. */
export function warmUpRounds({ smoke }: RunOptions): number {
  return smoke ? 0 : WARM_UP_ROUNDS;
}

/** Results of a suite. */
export interface SuiteResult {
  /** All values, for programs. */
  json: Readonly<Record<string, unknown>>;
  /** The tables, for people. */
  markdown: string;
  /** Version of each program that took part. */
  versions: Readonly<Record<string, string>>;
  /** Figures that should have a value and have none. */
  missing: readonly string[];
}
