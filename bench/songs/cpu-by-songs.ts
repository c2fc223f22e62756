import process from "node:process";
import { end } from "../children.ts";
import { cpuBetween, readCpuTimes } from "../cpu.ts";
import { load } from "../oha.ts";
import type { Part, Row } from "../part.ts";
import type { RunningServer } from "../server.ts";
import { songIdPattern } from "../song-id.ts";
import { ratios, shuffle, summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import { checkPlays, startFilled } from "./filled.ts";

const SIZES = [1000, 10_000_000] as const;
const SMOKE_SIZES = [1000, 10_000] as const;

/** How often both servers are started anew: where memory comes to lie matters. */
const LAUNCHES = 3;
/** Rounds after each start that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

const REQUESTS = 50_000;
const SMOKE_REQUESTS = 1000;

type Figure = "cpuMicroseconds" | "ratio";

/** Processor time for each request, in the order of the rounds, by how many songs there are. */
type Seen = ReadonlyMap<number, number[]>;

/** What it costs to count a play of any song, with few of them and with many. */
export async function measureCpuBySongs({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const sizes = smoke ? SMOKE_SIZES : SIZES;
  const launches = smoke ? 1 : LAUNCHES;
  const perLaunch = Math.ceil(rounds / launches);
  const warmUp = smoke ? 0 : WARM_UP;
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  const seen: Seen = new Map(sizes.map((songs) => [songs, []]));
  for (let launch = 0; launch < launches; launch++) {
    process.stderr.write(`POST by songs, start ${launch + 1} of ${launches}\n`);
    await measure(seen, requests, perLaunch, warmUp);
  }
  const [few, many] = [toRow(sizes[0], seen, sizes[0]), toRow(sizes[1], seen, sizes[0])];
  return {
    name: "cpu",
    title: "`POST` to songs at random",
    labels: ["songs"],
    columns: [
      { figure: "cpuMicroseconds", head: "CPU µs/request", places: 1 },
      { figure: "ratio", head: `CPU × ${few.labels.join()} songs`, places: 2 },
    ],
    rows: [few, many],
    goals: [{ row: many, figure: "ratio", relation: "≤", value: 1.15, unit: "× the CPU with few songs" }],
    about: { rounds: perLaunch * launches, launches, warmUp, requests },
  };
}

async function measure(seen: Seen, requests: number, rounds: number, warmUp: number): Promise<void> {
  const servers = new Map<number, RunningServer>();
  try {
    for (const songs of seen.keys()) servers.set(songs, await startFilled(songs));
    for (let round = -warmUp; round < rounds; round++) {
      for (const [songs, server] of shuffle([...servers])) {
        const microseconds = await takeSlice(server, songs, requests);
        if (round >= 0) seen.get(songs)?.push(microseconds);
      }
    }
    for (const [songs, { url }] of servers) await checkPlays(url, songs, (warmUp + rounds) * requests);
  } finally {
    for (const { child } of servers.values()) end(child);
  }
}

async function takeSlice({ url, child }: RunningServer, songs: number, requests: number): Promise<number> {
  const before = readCpuTimes(child.pid);
  await load(`${url}/song/${songIdPattern(songs)}`, "POST", requests, { isPattern: true });
  return cpuBetween(before, readCpuTimes(child.pid)) / requests / 1000;
}

function toRow(songs: number, seen: Seen, few: number): Row<Figure> {
  const cpu = seen.get(songs) ?? [];
  return {
    labels: [songs.toLocaleString("en")],
    figures: { cpuMicroseconds: summarise(cpu), ratio: summarise(ratios(cpu, seen.get(few) ?? [])) },
  };
}
