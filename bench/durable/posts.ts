import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { makeFolder } from "../harness/folder.ts";
import { load, type Load } from "../harness/oha.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds, type Samples } from "../harness/rounds.ts";
import { type RunningServer, start } from "../harness/server.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import type { Awaitable } from "../../src/async/awaitable.ts";
import type { Subject } from "./subjects.ts";

const SMOKE_REQUESTS = 300;

/** Servers that are compared. */
export interface Comparison {
  title: string;
  /** Returns the servers, with their files in `folder`. */
  subjects: (folder: string) => Awaitable<Subject[]>;
  /** Name of the server with which the others are compared. */
  base: string;
  /** Head of the column with the ratio to `base`. */
  ratio: string;
  /** Connections, and the requests of a trial. */
  loads: readonly (readonly [connections: number, requests: number])[];
  goals: (rows: readonly Row<PostFigure>[]) => Goal<PostFigure>[];
}

interface Trial extends Load {
  cpuMicroseconds: number;
}

export type PostFigure = keyof Trial | "ofBase";

type RunningSubject = Subject & RunningServer;

/** A subject under one of the loads. */
interface Case {
  subject: RunningSubject;
  connections: number;
  requests: number;
}

/** Measures how fast one song is counted. */
export async function measurePosts(
  options: RunOptions,
  comparison: Comparison,
): Promise<ResultTable<PostFigure>> {
  const { rounds, smoke } = options;
  const { title, subjects, loads } = comparison;
  const warmUp = warmUpRounds(options);
  using folder = makeFolder();
  const running: RunningSubject[] = [];
  try {
    for (const subject of await subjects(folder.path))
      running.push({ ...subject, ...(await start(subject)) });
    for (const { url, count } of running) await untilItCounts(() => count(url));
    const groups = loads.map(([connections, requests]) =>
      running.map((subject) => ({ subject, connections, requests: smoke ? SMOKE_REQUESTS : requests })),
    );
    const trials = await runRounds(groups, { title, rounds, warmUp }, runTrial);
    return toTable(comparison, trials, { rounds, warmUp, requests: Object.fromEntries(loads) });
  } finally {
    for (const { child } of running) end(child);
  }
}

/** Resolves when a server counts. A proxy answers before the server behind it. */
async function untilItCounts(count: () => Promise<number>): Promise<void> {
  for (let tries = 1; !(await count().then(Number.isFinite, () => false)); tries++) {
    if (tries === 100) throw new Error("a server listens, and does not count");
    await Bun.sleep(20);
  }
}

/** Plays, and checks that no play is lost or doubled. */
async function runTrial({ subject, connections, requests }: Case): Promise<Trial> {
  const { name, url, child, play, count } = subject;
  const before = await count(url);
  const options = play.body === undefined ? { connections } : { connections, body: play.body };
  const { result, total } = await measureCpu(child.pid, () =>
    load(url + play.path, "POST", requests, options),
  );
  const counted = (await count(url)) - before;
  if (counted !== requests) throw new Error(`${name} answered ${requests} plays and counted ${counted}`);
  return { ...result, cpuMicroseconds: total / requests / 1000 };
}

function toTable(
  { title, ratio, base, goals }: Comparison,
  trials: Samples<Case, Trial>,
  parameters: ResultTable["parameters"],
): ResultTable<PostFigure> {
  const rows = Array.from(trials, ([current, own]) => toRow(current, own, trials, base));
  return {
    name: "posts",
    title,
    labels: ["connections", "server"],
    columns: {
      requestsPerSecond: ["requests/s", 0],
      ofBase: [ratio, 2],
      p50Ms: ["p50 ms", 2],
      p99Ms: ["p99 ms", 2],
      cpuMicroseconds: ["CPU µs/request", 1],
    },
    rows,
    goals: goals(rows),
    parameters,
  };
}

function toRow(
  { subject, connections }: Case,
  own: Trial[],
  trials: Samples<Case, Trial>,
  base: string,
): Row<PostFigure> {
  const [, ofBase] =
    [...trials].find(([current]) => current.connections === connections && current.subject.name === base) ??
    [];
  return {
    labels: [String(connections), subject.name],
    figures: {
      ...summariseAll(own, "requestsPerSecond", "p50Ms", "p99Ms", "cpuMicroseconds"),
      ofBase: summariseRatio(own, ofBase, "requestsPerSecond"),
    },
  };
}
