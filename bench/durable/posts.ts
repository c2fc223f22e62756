import process from "node:process";
import { end } from "../children.ts";
import { cpuBetween, readCpuTimes } from "../cpu.ts";
import { makeFolder } from "../folder.ts";
import { load } from "../oha.ts";
import type { Part, Row } from "../part.ts";
import { type RunningServer, start } from "../server.ts";
import { ratios, shuffle, summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import { DURABLE, MEMORY, REDIS, type Subject, subjects } from "./subjects.ts";

/** Connections, and the requests of a slice. */
const LOADS = [
  [1, 2000],
  [64, 50_000],
  [256, 50_000],
] as const;
const SMOKE_REQUESTS = 300;

/** Rounds that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

const FIGURES = ["requestsPerSecond", "p50Ms", "p99Ms", "cpuMicroseconds"] as const;
type Figure = (typeof FIGURES)[number] | "ofMemory";
type Slice = Record<(typeof FIGURES)[number], number>;

type Contestant = Subject & RunningServer;

/** The slices by connections and by the name of the server, in the order of the rounds. */
type Seen = Map<number, Map<string, Slice[]>>;

/** How fast one song is counted when each play is on the disk before it is answered. */
export async function measurePosts({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  using folder = makeFolder();
  const taking = subjects(folder.path);
  const seen: Seen = new Map(LOADS.map(([connections]) => [connections, new Map()]));
  const contestants: Contestant[] = [];
  try {
    for (const subject of taking) contestants.push({ ...subject, ...(await start(subject)) });
    for (const { url, count } of contestants) await untilItCounts(() => count(url));
    for (let round = smoke ? 0 : -WARM_UP; round < rounds; round++) {
      process.stderr.write(`durable POST, round ${round + 1}\n`);
      await takeRound(contestants, smoke, (connections, name, slice) => {
        if (round < 0) return;
        const slices = seen.get(connections);
        slices?.set(name, [...(slices.get(name) ?? []), slice]);
      });
    }
  } finally {
    for (const { child } of contestants) end(child);
  }
  return toPart(taking, seen, rounds);
}

/** What is in front of another server may answer before that one does. */
async function untilItCounts(count: () => Promise<number>): Promise<void> {
  for (let tries = 1; !(await count().then(Number.isFinite, () => false)); tries++) {
    if (tries === 100) throw new Error("a server listens, and does not count");
    await Bun.sleep(20);
  }
}

async function takeRound(
  contestants: readonly Contestant[],
  smoke: boolean,
  note: (connections: number, name: string, slice: Slice) => void,
): Promise<void> {
  for (const [connections, most] of LOADS)
    for (const contestant of shuffle(contestants)) {
      const slice = await takeSlice(contestant, connections, smoke ? SMOKE_REQUESTS : most);
      note(connections, contestant.name, slice);
    }
}

/** Plays, and checks that no play is lost or doubled. */
async function takeSlice(
  { name, url, child, play: { path, body }, count }: Contestant,
  connections: number,
  requests: number,
): Promise<Slice> {
  const counted = await count(url);
  const before = readCpuTimes(child.pid);
  const options = body === undefined ? { connections } : { connections, body };
  const seen = await load(url + path, "POST", requests, options);
  const cpuMicroseconds = cpuBetween(before, readCpuTimes(child.pid)) / requests / 1000;
  const more = (await count(url)) - counted;
  if (more !== requests) throw new Error(`${name} answered ${requests} plays and counted ${more}`);
  return { ...seen, cpuMicroseconds };
}

function toPart(taking: readonly Subject[], seen: Seen, rounds: number): Part<Figure> {
  const rows = LOADS.flatMap(([connections]) =>
    taking.map(({ name }) => toRow(connections, name, seen.get(connections) ?? new Map())),
  );
  const find = (name: string) =>
    rows.find(({ labels }) => labels[0] === "64" && labels[1] === name) as Row<Figure>;
  const [own, redis] = [find(DURABLE), find(REDIS)];
  return {
    name: "posts",
    title: "`POST` of one song, on the disk before it is answered",
    labels: ["connections", "server"],
    columns: [
      { figure: "requestsPerSecond", head: "requests/s", places: 0 },
      { figure: "ofMemory", head: "× in memory", places: 2 },
      { figure: "p50Ms", head: "p50 ms", places: 2 },
      { figure: "p99Ms", head: "p99 ms", places: 2 },
      { figure: "cpuMicroseconds", head: "CPU µs/request", places: 1 },
    ],
    rows,
    goals: [
      { row: own, figure: "ofMemory", relation: "≥", value: 0.7, unit: "× in memory" },
      { row: own, figure: "p99Ms", relation: "≤", value: 5, unit: "ms for 99 of 100" },
      {
        row: own,
        figure: "requestsPerSecond",
        relation: "≥",
        value: Math.round(redis.figures.requestsPerSecond.median),
        unit: `requests/s, which ${REDIS} has`,
      },
    ],
    about: { rounds, warmUp: WARM_UP, requests: Object.fromEntries(LOADS) },
  };
}

function toRow(connections: number, name: string, slices: ReadonlyMap<string, Slice[]>): Row<Figure> {
  const values = (of: string, figure: keyof Slice) => (slices.get(of) ?? []).map((slice) => slice[figure]);
  const sample = (figure: keyof Slice) => summarise(values(name, figure));
  return {
    labels: [String(connections), name],
    figures: {
      requestsPerSecond: sample("requestsPerSecond"),
      ofMemory: summarise(ratios(values(name, "requestsPerSecond"), values(MEMORY, "requestsPerSecond"))),
      p50Ms: sample("p50Ms"),
      p99Ms: sample("p99Ms"),
      cpuMicroseconds: sample("cpuMicroseconds"),
    },
  };
}
