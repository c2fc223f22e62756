import { makeFolder } from "../harness/folder.ts";
import { type Load, load } from "../harness/oha.ts";
import { Redis } from "../harness/redis.ts";
import type { ResultTable } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { type Case, type Figure, type LoadKind, LOADS, toTable, type Trial } from "./posts-figures.ts";
import { measureSplitCpu } from "./split-cpu.ts";
import { startSubjects, type Subject } from "./subjects.ts";

const REQUESTS = 50_000;
const SMOKE_REQUESTS = 640;

/** Measures the cost of counting and reading one song of many in Redis, in all processes together. */
export async function measurePosts(options: RunOptions): Promise<ResultTable<Figure>> {
  const { rounds, smoke } = options;
  const warmUp = warmUpRounds(options);
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const subjects = await startSubjects(redis);
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  const groups = LOADS.map((load) => subjects.map((subject) => ({ subject, load })));
  const trials = await runRounds(groups, { title: "one song in Redis", rounds, warmUp }, (current) =>
    runTrial(redis, current, requests),
  );
  return toTable(trials, { rounds, warmUp, requests });
}

/** Sends requests, and checks that no play is lost or doubled. */
async function runTrial(redis: Redis, { subject, load }: Case, requests: number): Promise<Trial> {
  const { name, servers, plays } = subject;
  const before = await plays();
  const { result, ...cpu } = await measureSplitCpu({ redis, servers, count: requests }, () =>
    loadAll(subject, load, requests),
  );
  const counted = (await plays()) - before;
  const expected = load.method === "POST" ? requests : 0;
  if (counted !== expected) throw new Error(`${name} answered ${expected} plays and counted ${counted}`);
  return { ...cpu, ...result };
}

/** Loads all servers at once. The result is that of the slowest. */
async function loadAll(
  { servers, request }: Subject,
  { method, connections }: LoadKind,
  requests: number,
): Promise<Pick<Load, "requestsPerSecond" | "p99Ms">> {
  const [sent, path] = request[method];
  const share = servers.length;
  const loads = servers.map(({ url }) =>
    load(url + path, sent, requests / share, { isPattern: true, connections: connections / share }),
  );
  const results = await Promise.all(loads);
  return {
    requestsPerSecond: share * Math.min(...results.map(({ requestsPerSecond }) => requestsPerSecond)),
    p99Ms: Math.max(...results.map(({ p99Ms }) => p99Ms)),
  };
}
