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

/** Rounds that are not looked at, while compilers are still at work. */
const WARM_UP = 3;

/** Requests in a slice of the fastest. */
const REQUESTS = 20_000;
const SMOKE_REQUESTS = 1000;

/** How fast one song is counted and read, and at what cost. */
export const http: Suite = { name: "http", run };

type Contestant = Subject & RunningServer;

async function run({ rounds, smoke }: Plan): Promise<SuiteResult> {
  const programs = versions(); // first of all, as it tells what is not installed
  const requests = smoke ? SMOKE_REQUESTS : REQUESTS;
  const warmUp = smoke ? 0 : WARM_UP;
  const contestants: Contestant[] = [];
  try {
    for (const subject of subjects(requests)) contestants.push({ ...subject, ...(await start(subject)) });
    await check(contestants, requests);
    const measured = await measure(contestants, -warmUp, rounds);
    const rows = sumUp(measured);
    return {
      json: { rounds, warmUp, requests: requestsOf(contestants), rows },
      // What a smoke run says of goals is worth nothing.
      markdown: smoke ? toTable(rows) : `${toTable(rows)}\n\n${toVerdicts(rows)}`,
      versions: programs,
      missing: missingFigures(rows),
    };
  } finally {
    for (const { child } of contestants) end(child);
  }
}

async function check(contestants: readonly Contestant[], count: number): Promise<void> {
  for (const contestant of contestants) {
    if (contestant.counts) await checkCounting(contestant);
  }
  const [ceiling, ours] = [CEILING, OURS].map((name) => contestants.find((one) => one.name === name));
  if (ceiling === undefined || ours === undefined) throw new Error("the ceiling or ours does not take part");
  await checkSameAnswers(ours, ceiling, count);
}

/** Takes turns in another order in each round, so that no one is always the first or next to a certain other. */
async function measure(contestants: readonly Contestant[], from: number, to: number): Promise<Measured> {
  const measured: Measured = new Map(contestants.map(({ name }) => [name, { GET: [], POST: [] }]));
  const atFirst = new Map(contestants.map(({ name, child }) => [name, processesOf(child.pid).join()]));
  for (let round = from; round < to; round++) {
    process.stderr.write(round < 0 ? `warm-up, ${-round} to go\n` : `round ${round + 1} of ${to}\n`);
    for (const contestant of shuffle(contestants)) {
      const turn = await takeTurn(contestant).catch((error) => fail(contestant, error));
      if (round < 0) continue;
      for (const method of METHODS) measured.get(contestant.name)?.[method].push(turn[method]);
    }
  }
  for (const { name, child } of contestants) {
    const isAsAtFirst = processesOf(child.pid).join() === atFirst.get(name);
    if (!isAsAtFirst) throw new Error(`a process of ${name} was replaced while it was measured`);
  }
  return measured;
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

function requestsOf(contestants: readonly Contestant[]): Record<string, number> {
  return Object.fromEntries(contestants.map(({ name, requests }) => [name, requests]));
}
