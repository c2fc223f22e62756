import { join } from "node:path";
import { bundleForWorkerd, WORKERD } from "../../test/support/workerd.ts";
import { listen } from "../../test/support/process.ts";
import { batchOf } from "../harness/batches.ts";
import { makeFolder } from "../harness/folder.ts";
import type { ResultTable } from "../harness/result-table.ts";
import { summarise } from "../harness/statistics.ts";

type Figure = "written" | "read";

/** Songs of a batch. */
const SONGS = 1000;

/** Requests of one or more plays, in this order: each depends on the state after those before it. */
const REQUESTS: readonly (readonly [what: string, path: string, plays: number, init?: RequestInit])[] = [
  ["a new song", "song/a", 1],
  ["a song of the open fold", "song/a", 1],
  ["the same, with the first key of a writer", "song/a", 1, keyed(1)],
  ["the same, with a further key", "song/a", 1, keyed(2)],
  ["the same again: a retry, not counted", "song/a", 1, keyed(2)],
  [`each of ${SONGS} new songs in a batch`, "batch", SONGS, { body: batchOf(0, SONGS) }],
  [`each of ${SONGS} songs of the open fold in a batch`, "batch", SONGS, { body: batchOf(0, SONGS) }],
];

function keyed(seq: number): RequestInit {
  return { headers: { "idempotency-key": `"writer:${seq}"` } };
}

/** Reads from workerd how many rows of its database a play writes and reads. */
export async function measureRows(): Promise<ResultTable<Figure>> {
  using folder = makeFolder();
  const worker = join(import.meta.dirname, "counted-rows.ts");
  const configuration = await bundleForWorkerd(worker, folder.path, { data: folder.path });
  const { url, process, ended } = await listen([...WORKERD, configuration]);
  const rows: ResultTable<Figure>["rows"][number][] = [];
  try {
    await (await fetch(`${url}rows`)).text(); // those of the tables
    for (const [what, path, plays, { headers, ...init } = {}] of REQUESTS) {
      const type = { "content-type": "text/plain" };
      const answer = await fetch(url + path, { method: "POST", headers: { ...type, ...headers }, ...init });
      if (answer.status !== 200) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
      await answer.text();
      const { written, read } = (await (await fetch(`${url}rows`)).json()) as Record<Figure, number>;
      rows.push({
        labels: [what],
        figures: { written: summarise([written / plays]), read: summarise([read / plays]) },
      });
    }
  } finally {
    process.kill("SIGKILL");
    await ended;
  }
  return {
    name: "rows",
    title: "Rows that a play writes and reads in a Durable Object, as Cloudflare bills them",
    labels: ["play of"],
    columns: { written: ["rows written", 3], read: ["rows read", 3] },
    rows,
    goals: [
      {
        row: rows[1] as (typeof rows)[number],
        figure: "written",
        relation: "≤",
        value: 1,
        unit: "row a play",
      },
    ],
    parameters: { songs: SONGS },
  };
}
