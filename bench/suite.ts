/** Measurements that belong together, made in one run. */
export interface Suite {
  readonly name: string;
  run(plan: Plan): Promise<SuiteResult>;
}

/** How often a figure is taken at the most if that takes tens of seconds. */
export const ROUNDS_OF_LONG = 5;

/** How much is to be measured. */
export interface Plan {
  /** How often each figure is taken, but for those that take long. */
  rounds: number;
  /** With as little load as will yield every figure, whatever its worth. */
  smoke: boolean;
}

/** What a suite found out. */
export interface SuiteResult {
  /** Everything, for programs. */
  json: Readonly<Record<string, unknown>>;
  /** What people should know. */
  markdown: string;
  /** The version of each program that took part. */
  versions: Readonly<Record<string, string>>;
  /** Figures that should be there and are not. */
  missing: readonly string[];
}
