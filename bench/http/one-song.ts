import process from "node:process";
import { end, isAlive } from "../harness/children.ts";
import { measureCpu, processesOf } from "../harness/cpu.ts";
import { load } from "../harness/oha.ts";
import type { ResultTable } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { type RunningServer, start, sendRequest } from "../harness/server.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { checkCounting, checkSameAnswers } from "./correctness.ts";
import { type Method, METHODS, toTable, type Trial } from "./figures.ts";
import { CEILING, FLOOR, ON_BUN, type Subject, subjects } from "./subjects.ts";

/**
 * Starts of all servers: the cost of a program differs from start to start, by where its memory and threads
 * lie.
 */
const LAUNCHES = 3;

/** Requests in a trial of the fastest. */
const REQUESTS = 50_000;
const SMOKE_REQUESTS = 1000;

type RunningSubject = Subject & RunningServer;

/** Measures how fast one song is counted and read, and at what cost. */
export async function measureOneSong(options: RunOptions): Promise<ResultTable> {
  const launches = options.smoke ? 1 : LAUNCHES;
  const roundsPerLaunch = Math.ceil(options.rounds / launches);
  const warmUp = warmUpRounds(options);
  const all = subjects(options.smoke ? SMOKE_REQUESTS : REQUESTS);
  const trials = new Map(all.map(({ name }) => [name, { GET: [], POST: [] } as Record<Method, Trial[]>]));
  for (let launch = 1; launch <= launches; launch++) {
    process.stderr.write(`start ${launch} of ${launches}\n`);
    for (const [{ name }, turns] of await measureLaunch(all, roundsPerLaunch, warmUp))
      for (const method of METHODS) trials.get(name)?.[method].push(...turns.map((turn) => turn[method]));
  }
  const requests = Object.fromEntries(all.map(({ name, requests }) => [name, requests]));
  return toTable(trials, { rounds: roundsPerLaunch * launches, launches, warmUp, requests });
}

async function measureLaunch(
  all: readonly Subject[],
  rounds: number,
  warmUp: number,
): Promise<Iterable<[Subject, Record<Method, Trial>[]]>> {
  const running: RunningSubject[] = [];
  try {
    for (const subject of all) running.push({ ...subject, ...(await start(subject)) });
    await check(running);
    const processes = () => running.map(({ child }) => processesOf(child.pid));
    const before = processes();
    const turns = await runRounds([running], { title: "one song", rounds, warmUp }, takeTurn);
    if (!Bun.deepEquals(processes(), before)) throw new Error("a process was replaced while it was measured");
    return turns;
  } finally {
    for (const { child } of running) end(child);
  }
}

async function check(running: readonly RunningSubject[]): Promise<void> {
  for (const subject of running) if (subject.counts) await checkCounting(subject);
  const find = (name: string) => running.find((subject) => subject.name === name) as RunningSubject;
  for (const constant of [find(CEILING), find(FLOOR)])
    await checkSameAnswers(find(ON_BUN), constant, constant.requests);
}

/** Plays, checks that no play is lost or doubled, and reads the count. */
async function takeTurn(subject: RunningSubject): Promise<Record<Method, Trial>> {
  const { name, url, child, counts, requests } = subject;
  try {
    if (counts) await sendRequest(`${url}/`, "DELETE");
    const POST = await runTrial(subject, "POST");
    const { body } = await sendRequest(`${url}/song/1`);
    if (counts && body !== String(requests))
      throw new Error(`answered ${requests} plays and counted ${JSON.stringify(body)}`);
    const GET = await runTrial(subject, "GET");
    return { GET, POST };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${name} ${isAlive(child) ? reason : "ended while it was measured"}`, { cause });
  }
}

async function runTrial({ url, child, requests }: RunningSubject, method: Method): Promise<Trial> {
  const { result, total, user } = await measureCpu(child.pid, () => load(`${url}/song/1`, method, requests));
  const perRequest = (nanoseconds: number) => nanoseconds / requests / 1000;
  return {
    ...result,
    cpuMicroseconds: perRequest(total),
    userMicroseconds: perRequest(user),
    systemMicroseconds: perRequest(total - user),
  };
}
