import { FoldRows } from "./rows.ts";
import {
  type FoldState,
  type FoldToStore,
  nothing,
  type ServerFolds,
  type SetAside,
  type Target,
} from "./target.ts";

/**
 * A target that does not record which folds it has. A fold with its label that is not acknowledged may be
 * stored, in part or as a whole, and comes again.
 */
export abstract class StatelessTarget implements Target {
  readonly keepsState = false;
  readonly label: string;
  readonly unknownWords = "";

  constructor(label: string) {
    this.label = label;
  }

  async prepare(): Promise<void> {}

  state(servers: readonly ServerFolds[]): Promise<FoldState> {
    const own = servers.flatMap(({ folds }) => folds.filter(({ label }) => label === this.label));
    const sealed = own.length === 0 ? undefined : Math.min(...own.map(({ fold }) => fold));
    return Promise.resolve({ fold: 0, sealed, isBegun: sealed !== undefined });
  }

  async create(): Promise<void> {}

  async intend(): Promise<void> {}

  rows(): FoldRows {
    return new FoldRows();
  }

  abstract store(fold: FoldToStore): Promise<SetAside>;

  tryOut(): Promise<SetAside> {
    return Promise.resolve(nothing());
  }

  async close(): Promise<void> {}
}
