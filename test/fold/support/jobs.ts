import { expect } from "bun:test";
import { ServerClient } from "../../../src/client/server-client.ts";
import { Placement } from "../../../src/client/placement.ts";
import { CountServers } from "../../../src/fold/count-servers.ts";
import { type HandedOver, handOverEach, type JobOptions, preview } from "../../../src/fold/job.ts";
import type { Database, TableNames } from "../../../src/fold/sql/database.ts";
import { SqlTarget, type SqlTargetOptions } from "../../../src/fold/sql/sql-target.ts";
import { openDatabase } from "./databases.ts";

/** Steps at which a job may end. */
export const STEPS = [
  "state read",
  "intended",
  "sealed one",
  "begun",
  "rows stored",
  "before commit",
  "committed",
  "stored",
  "acknowledged one",
] as const;

/** Ends a job at a step, as a kill does: its transaction is rolled back. */
export class Crash extends Error {}

/** Options of {@linkcode runJob}. */
export interface TestJob {
  url: string;
  servers: readonly string[];
  names?: Partial<TableNames>;
  target?: Partial<SqlTargetOptions>;
  job?: Partial<Pick<JobOptions, "adopt" | "skip">>;
  /** Called at each step with its name. */
  onStep?: (name: string) => void;
  /** Makes the database. Default: as the job does. */
  open?: (url: string, names?: Partial<TableNames>) => Database;
  log?: string[];
}

/** Runs a job to its end, and returns its folds. */
export async function runJob(options: TestJob): Promise<HandedOver[]> {
  return await withJob(options, async (job) => await Array.fromAsync(handOverEach(job)));
}

/** Returns what a job would hand over. */
export async function tryJob(options: TestJob): Promise<HandedOver> {
  return await withJob(options, preview);
}

async function withJob<T>(options: TestJob, act: (job: JobOptions) => Promise<T>): Promise<T> {
  const { url, servers, names, onStep, open = openDatabase, log = [] } = options;
  const note = (line: string) => void log.push(line);
  const target = new SqlTarget(open(url, names), {
    ...{ unknown: "keep", partSongs: 10_000, log: note, onStep },
    ...options.target,
  });
  const client = new ServerClient({ retries: 0 });
  const counters = new CountServers({ client, servers: new Placement(servers).urls, log: note });
  try {
    return await act({ target, counters, ...(onStep && { onStep }), ...options.job });
  } finally {
    await target.close();
  }
}

/** Returns an `onStep` that crashes when a step comes for the `nth` time. */
export function crashAt(step: string, nth = 1): (name: string) => void {
  let count = 0;
  return (name) => {
    if (name === step && ++count === nth) throw new Crash(step);
  };
}

/** The plays that a test has sent. */
export class Ledger {
  readonly plays: Map<string, number> = new Map();
  readonly #servers: readonly string[];

  constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  /** Plays songs on one of the servers. */
  async play(songs: Iterable<readonly [string, number]>, at = 0): Promise<void> {
    const body = Array.from(songs, ([id, plays]) => `${encodeURIComponent(id)}=${plays}`).join(",");
    const answer = await fetch(`${this.#servers[at]}/batch`, { method: "POST", body });
    expect(answer.status).toBe(200);
    for (const [id, plays] of songs) this.plays.set(id, (this.plays.get(id) ?? 0) + plays);
  }

  /** Returns the songs whose pages would show anything but the plays sent. */
  async wrongPages(url: string, ids: Iterable<string>, names: Partial<TableNames> = {}): Promise<string[]> {
    const database = openDatabase(url, names);
    const wrong: string[] = [];
    try {
      await database.readColumns();
      for (const id of ids) {
        const shown = await this.#page(database, id);
        if (shown !== (this.plays.get(id) ?? 0)) wrong.push(`${id}: ${shown} of ${this.plays.get(id)}`);
      }
      return wrong;
    } finally {
      await database.client.close({ timeout: 0 });
    }
  }

  async #page(database: Database, id: string): Promise<number> {
    for (;;) {
      const [row] = (await database.client.unsafe(database.page, [id])) as {
        plays: unknown;
        fold: unknown;
      }[];
      let sum = Number(row?.plays ?? 0);
      let isGone = false;
      for (const server of this.#servers) {
        const answer = await fetch(`${server}/song/${encodeURIComponent(id)}?after=${row?.fold}`);
        isGone ||= answer.status === 410; // read the row again
        sum += Number(await answer.text());
      }
      if (!isGone) return sum;
    }
  }
}
