import { end } from "../harness/children.ts";
import { measureCpu } from "../harness/cpu.ts";
import { makeFolder } from "../harness/folder.ts";
import { playcount } from "../harness/playcount.ts";
import { Redis } from "../harness/redis.ts";
import type { ResultTable } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { type RunningServer, start } from "../harness/server.ts";
import { summarise } from "../harness/statistics.ts";
import { type RunOptions, warmUpRounds } from "../harness/suite.ts";
import { mapIds } from "./crafted-ids.ts";

/** Songs of a batch, and songs that are then played one by one. */
const BATCH_SONGS = 10_000;
const SINGLE_PLAYS = 1000;
/** Single plays that are under way at a time: they meet in one commit, or in one script of Redis. */
const WIDTH = 250;

/** One server. Its ids of each kind are numbered, so that each trial has new ones. */
interface Subject {
  store: string;
  server: RunningServer;
  first: number;
}

/** Microseconds of the server's processor time for a song, by its ids. */
interface Trial {
  ordinary: number;
  crafted: number;
}

type Figure = "ordinary" | "crafted" | "ratio";

/** Measures how much more a server computes for ids that collide in the engine's own hash, by store. */
export async function measureCraftedBatches(options: RunOptions): Promise<ResultTable<Figure>> {
  const { rounds, smoke } = options;
  using folder = makeFolder();
  using redis = await Redis.start(folder.path);
  const memory = await start({ name: "playcount", command: playcount() });
  const disk = await start({ name: "playcount --data", command: playcount("--data", `${folder.path}/data`) });
  const subjects: Subject[] = [
    { store: "memory", server: memory, first: 0 },
    { store: "disk", server: disk, first: 0 },
    { store: "Redis", server: await redis.startPlaycount("crafted"), first: 0 },
  ];
  try {
    const warmUp = warmUpRounds({ rounds, smoke });
    const samples = await runRounds(
      [subjects],
      { title: "ids that collide in a Map", rounds, warmUp },
      trial,
    );
    const rows = Array.from(samples, ([{ store }, trials]) => ({
      labels: [store],
      figures: {
        ordinary: summarise(trials.map(({ ordinary }) => ordinary)),
        crafted: summarise(trials.map(({ crafted }) => crafted)),
        ratio: summarise(trials.map(({ ordinary, crafted }) => crafted / ordinary)),
      },
    }));
    return {
      name: "crafted batches",
      title:
        "A batch of 10,000 new songs, and 1,000 single plays, with ids that collide in an engine's `Map`",
      labels: ["store"],
      columns: {
        ordinary: ["server CPU µs/song, other ids", 2],
        crafted: ["colliding ids", 2],
        ratio: ["× other ids", 2],
      },
      rows,
      goals: rows.map((row) => ({
        row,
        figure: "ratio",
        relation: "≤",
        value: 3,
        unit: "× the processor time of other ids",
      })),
      parameters: { rounds, warmUp },
    };
  } finally {
    end(memory.child);
    end(disk.child);
  }
}

async function trial(subject: Subject): Promise<Trial> {
  const { server, first } = subject;
  subject.first += BATCH_SONGS;
  const ordinary = await play(server, mapIds(false, first, BATCH_SONGS));
  const crafted = await play(server, mapIds(true, first, BATCH_SONGS));
  return { ordinary, crafted };
}

/** @throws {Error} if an answer is not 200. */
async function play({ url, child }: RunningServer, ids: readonly string[]): Promise<number> {
  const encoded = ids.map(encodeURIComponent);
  const body = encoded.map((id) => `${id}=1`).join(",");
  const singles = encoded.slice(0, SINGLE_PLAYS);
  const { total } = await measureCpu(child.pid, async () => {
    await post(`${url}/batch`, body);
    for (let at = 0; at < singles.length; at += WIDTH)
      await Promise.all(singles.slice(at, at + WIDTH).map((id) => post(`${url}/song/${id}`)));
  });
  return total / 1000 / (ids.length + singles.length);
}

async function post(url: string, body?: string): Promise<void> {
  const init = body === undefined ? {} : { body, headers: { "content-type": "text/plain" } };
  const answer = await fetch(url, { method: "POST", ...init });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`POST ${url.slice(0, 80)} was answered with ${answer.status}`);
}
