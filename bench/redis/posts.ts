import process from "node:process";
import { makeFolder } from "../folder.ts";
import { type Load, load } from "../oha.ts";
import type { Part } from "../part.ts";
import { shuffle } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import { splitCpu } from "./cpu.ts";
import { type Figure, keyOf, LOADS, type LoadKind, type Seen, type Slice, toPart } from "./posts-figures.ts";
import { Redis } from "./redis.ts";
import { startSubjects, type Subject } from "./subjects.ts";

const REQUESTS = 50_000;
const SMOKE_REQUESTS = 640;

/** Rounds that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

/** What it costs to count one song of many in Redis, in all processes together. */
export async function measurePosts({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const subjects = await startSubjects(redis);
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  const seen: Seen = new Map();
  for (let round = smoke ? 0 : -WARM_UP; round < rounds; round++) {
    process.stderr.write(`POST of one song to Redis, round ${round + 1}\n`);
    for (const kind of LOADS)
      for (const subject of shuffle(subjects)) {
        const slice = await takeSlice(redis, subject, kind, requests);
        const key = keyOf(kind, subject.name);
        if (round >= 0) seen.set(key, [...(seen.get(key) ?? []), slice]);
      }
  }
  return toPart(
    subjects.map(({ name }) => name),
    seen,
    { rounds, warmUp: WARM_UP, requests },
  );
}

/** Plays, and checks that no play is lost or doubled. */
async function takeSlice(redis: Redis, subject: Subject, kind: LoadKind, requests: number): Promise<Slice> {
  const { name, servers, plays } = subject;
  const counted = await plays();
  const { result, ...cpu } = await splitCpu({ redis, servers, times: requests }, () =>
    loadAll(subject, kind, requests),
  );
  const more = (await plays()) - counted;
  const wanted = kind.method === "POST" ? requests : 0;
  if (more !== wanted) throw new Error(`${name} was to count ${wanted} plays and counted ${more}`);
  return { ...cpu, ...result };
}

/** Requests go to all servers at once. They are done when the last one is. */
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
  const seen = await Promise.all(loads);
  return {
    requestsPerSecond: share * Math.min(...seen.map(({ requestsPerSecond }) => requestsPerSecond)),
    p99Ms: Math.max(...seen.map(({ p99Ms }) => p99Ms)),
  };
}
