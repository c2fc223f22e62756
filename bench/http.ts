import process from "node:process";
import { end, isAlive } from "./children.ts";
import { checkCounting, checkSameAnswers } from "./correctness.ts";
import { cpuBetween, processesOf, readCpuTimes } from "./cpu.ts";
import { type Measured, METHODS, type Method, missingFigures, type Slice, sumUp } from "./http-figures.ts";
import { toTable, toVerdicts } from "./http-table.ts";
import { load } from "./oha.ts";
import { ask, type RunningServer, start } from "./server.ts";
import { shuffle } from "./statistics.ts";
import { CEILING, OURS, type Subject, subjects, versions } from "./subjects.ts";
import type { Plan, Suite, SuiteResult } from "./suite.ts";

/**
 * How often all servers are started anew: the same program costs now more and now less, by where its memory and its
 * threads come to lie.
 */
const LAUNCHES = 3;

/** Rounds after each start that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

/** Requests in a slice of the fastest. */
const REQUESTS = 50_000;
const SMOKE_REQUESTS = 1000;

/** How fast one song is counted and read, and at what cost. */
export const http: Suite = { name: "http", run };

type Contestant = Subject & RunningServer;

async function run({ rounds, smoke }: Plan): Promise<SuiteResult> {
  const programs = versions(); // first of all, as it tells what is not installed
  const launches = smoke ? 1 : LAUNCHES;
  const warmUp = smoke ? 0 : WARM_UP;
  const taking = subjects(smoke ? SMOKE_REQUESTS : REQUESTS);
  const measured: Measured = new Map(taking.map(({ name }) => [name, { GET: [], POST: [] }]));
  for (let launch = 0; launch < launches; launch++) {
    const last = Math.ceil((rounds * (launch + 1)) / launches);
    const first = Math.ceil((rounds * launch) / launches);
    process.stderr.write(`start ${launch + 1} of ${launches}\n`);
    await measure(taking, measured, { first, last, warmUp });
  }
  const rows = sumUp(measured);
  const table = `### One song\n\n${toTable(rows)}`;
  const requests = Object.fromEntries(taking.map(({ name, requests }) => [name, requests]));
  return {
    json: { rounds, launches, warmUp, requests, rows },
    // What a smoke run says of goals is worth nothing.
    markdown: smoke ? table : `${table}\n\n${toVerdicts(rows)}`,
    versions: programs,
    missing: missingFigures(rows),
  };
}

/** The rounds of one launch: counted from `first` to before `last`, behind `warmUp` that are not counted. */
interface Rounds {
  first: number;
  last: number;
  warmUp: number;
}

async function measure(taking: readonly Subject[], measured: Measured, rounds: Rounds): Promise<void> {
  const contestants: Contestant[] = [];
  try {
    for (const subject of taking) contestants.push({ ...subject, ...(await start(subject)) });
    await check(contestants);
    await takeRounds(contestants, measured, rounds);
  } finally {
    for (const { child } of contestants) end(child);
  }
}

async function check(contestants: readonly Contestant[]): Promise<void> {
  for (const contestant of contestants) {
    if (contestant.counts) await checkCounting(contestant);
  }
  const [ceiling, ours] = [CEILING, OURS].map((name) => contestants.find((one) => one.name === name));
  if (ceiling === undefined || ours === undefined) throw new Error("the ceiling or ours does not take part");
  await checkSameAnswers(ours, ceiling, ceiling.requests);
}

/** Takes turns in another order in each round, so that no one is always the first or next to a certain other. */
async function takeRounds(
  contestants: readonly Contestant[],
  measured: Measured,
  { first, last, warmUp }: Rounds,
): Promise<void> {
  const atFirst = new Map(contestants.map(({ name, child }) => [name, processesOf(child.pid).join()]));
  for (let round = first - warmUp; round < last; round++) {
    process.stderr.write(round < first ? `warm-up, ${first - round} to go\n` : `round ${round + 1}\n`);
    for (const contestant of shuffle(contestants)) {
      const turn = await takeTurn(contestant).catch((error) => fail(contestant, error));
      if (round < first) continue;
      for (const method of METHODS) measured.get(contestant.name)?.[method].push(turn[method]);
    }
  }
  for (const { name, child } of contestants) {
    const isAsAtFirst = processesOf(child.pid).join() === atFirst.get(name);
    if (!isAsAtFirst) throw new Error(`a process of ${name} was replaced while it was measured`);
  }
}

function fail({ name, child }: Contestant, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(isAlive(child) ? `${name}: ${reason}` : `${name} ended while it was measured`, { cause });
}

/** Plays, checks that no play is lost or doubled, and reads the count that came of it. */
async function takeTurn(contestant: Contestant): Promise<Record<Method, Slice>> {
  const { url, counts, requests } = contestant;
  if (counts) await ask(`${url}/`, "DELETE");
  const POST = await takeSlice(contestant, "POST");
  const { body } = await ask(`${url}/song/1`);
  if (counts && body !== String(requests)) {
    throw new Error(`it answered ${requests} plays and counted ${JSON.stringify(body)}`);
  }
  const GET = await takeSlice(contestant, "GET");
  return { GET, POST };
}

async function takeSlice({ url, child, requests }: Contestant, method: Method): Promise<Slice> {
  const before = readCpuTimes(child.pid);
  const seen = await load(`${url}/song/1`, method, requests);
  const after = readCpuTimes(child.pid);
  return { ...seen, cpuMicroseconds: cpuBetween(before, after) / requests / 1000 };
}
