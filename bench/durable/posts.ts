import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { makeFolder } from "../harness/folder.ts";
import { load, type Load } from "../harness/oha.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { runRounds, type Samples } from "../harness/rounds.ts";
import { type RunningServer, start } from "../harness/server.ts";
import { summariseAll, summariseRatio } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { APPEND, DURABLE, MEMORY, REDIS, type Subject, subjects } from "./subjects.ts";

/** Connections, and the requests of a trial. */
const LOADS = [
  [1, 2000],
  [64, 50_000],
  [256, 50_000],
] as const;
const SMOKE_REQUESTS = 300;

/** Connections of the load that has goals. */
const GOAL_CONNECTIONS = 64;

interface Trial extends Load {
  cpuMicroseconds: number;
}

type Figure = keyof Trial | "ofMemory";

type RunningSubject = Subject & RunningServer;

/** A subject under one of the loads. */
interface Case {
  subject: RunningSubject;
  connections: number;
  requests: number;
}

/** Measures how fast one song is counted when each play is on the disk before it is answered. */
export async function measurePosts(options: RunOptions): Promise<ResultTable<Figure>> {
  const { rounds, smoke } = options;
  const warmUp = warmUpRounds(options);
  using folder = makeFolder();
  const running: RunningSubject[] = [];
  try {
    for (const subject of subjects(folder.path)) running.push({ ...subject, ...(await start(subject)) });
    for (const { url, count } of running) await untilItCounts(() => count(url));
    const groups = LOADS.map(([connections, requests]) =>
      running.map((subject) => ({ subject, connections, requests: smoke ? SMOKE_REQUESTS : requests })),
    );
    const trials = await runRounds(groups, { title: "durable POST", rounds, warmUp }, runTrial);
    return toTable(trials, { rounds, warmUp, requests: Object.fromEntries(LOADS) });
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

function toTable(trials: Samples<Case, Trial>, parameters: ResultTable["parameters"]): ResultTable<Figure> {
  const rows = Array.from(trials, ([current, own]) => toRow(current, own, trials));
  return {
    name: "posts",
    title: "`POST` of one song, on the disk before it is answered",
    labels: ["connections", "server"],
    columns: {
      requestsPerSecond: ["requests/s", 0],
      ofMemory: ["× in memory", 2],
      p50Ms: ["p50 ms", 2],
      p99Ms: ["p99 ms", 2],
      cpuMicroseconds: ["CPU µs/request", 1],
    },
    rows,
    goals: toGoals(rows),
    parameters,
  };
}

function toRow({ subject, connections }: Case, own: Trial[], trials: Samples<Case, Trial>): Row<Figure> {
  const [, memory] =
    [...trials].find(([current]) => current.connections === connections && current.subject.name === MEMORY) ??
    [];
  return {
    labels: [String(connections), subject.name],
    figures: {
      ...summariseAll(own, "requestsPerSecond", "p50Ms", "p99Ms", "cpuMicroseconds"),
      ofMemory: summariseRatio(own, memory, "requestsPerSecond"),
    },
  };
}

function toGoals(rows: readonly Row<Figure>[]): Goal<Figure>[] {
  const find = (name: string) =>
    rows.find(({ labels }) => labels[0] === String(GOAL_CONNECTIONS) && labels[1] === name) as Row<Figure>;
  const row = find(DURABLE);
  const faster = [APPEND, REDIS].map((name) => ({
    row,
    figure: "requestsPerSecond" as const,
    relation: "≥" as const,
    value: find(name).figures.requestsPerSecond.median,
    unit: `requests/s of ${name}`,
  }));
  return [
    { row, figure: "ofMemory", relation: "≥", value: 0.68, unit: "× in memory" },
    { row, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100" },
    ...faster,
  ];
}
