import process from "node:process";
import { INSTALLED, query, openDatabase, type TestDatabase } from "../../test/fold/support/databases.ts";
import { end } from "../harness/children.ts";
import { playcount } from "../harness/playcount.ts";
import { preload } from "../harness/preload.ts";
import type { Goal, ResultTable, Row } from "../harness/result-table.ts";
import { start } from "../harness/server.ts";
import { summariseAll } from "../harness/statistics.ts";
import { MAX_LONG_ROUNDS, type RunOptions } from "../harness/suite.ts";

const ROWS = 2_000_000;
const SIZES = [100_000, 1_000_000] as const;
const [SMOKE_ROWS, SMOKE_SIZES] = [2000, [1000, 2000]] as const;

/** Ways of storing a fold. */
const WAYS = ["playcount fold", "bulk load and one UPDATE", "a statement for each song"] as const;
type Way = (typeof WAYS)[number];

type Figure = "seconds" | "ofLimit" | "waitMs" | "megabytes";
type Sample = Record<Exclude<Figure, "ofLimit">, number>;

const MAX_MEGABYTES = 250;
const MAX_WAIT_MS = 500;

/** Measures the hand-over of a fold into a table, while another writer changes single rows. */
export async function measureHandOver({ rounds, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const most = Math.min(rounds, MAX_LONG_ROUNDS);
  const [tableRows, sizes] = smoke ? [SMOKE_ROWS, SMOKE_SIZES] : [ROWS, SIZES];
  const rows: Row<Figure>[] = [];
  for (const database of INSTALLED) {
    await database.start();
    try {
      const url = await makeTable(database, tableRows);
      for (const songs of sizes) rows.push(...(await measureWays(database, url, songs, sizes[0], most)));
    } finally {
      await database.stop();
    }
  }
  return {
    name: "handOver",
    title: `A fold into a table of ${tableRows.toLocaleString("en")} songs`,
    labels: ["database", "songs in the fold", "stored by"],
    columns: {
      seconds: ["s", 1],
      ofLimit: ["of the time of bulk load and one `UPDATE`", 2],
      waitMs: ["longest wait of another writer, ms", 0],
      megabytes: ["memory of the job, MB", 0],
    },
    rows,
    goals: rows.flatMap(goalsOf),
    parameters: { rounds: most, tableRows },
  };
}

/** Measures the ways in turn, so that a round has the same conditions for all. */
async function measureWays(
  database: TestDatabase,
  url: string,
  songs: number,
  smallest: number,
  rounds: number,
): Promise<Row<Figure>[]> {
  const ways = waysFor(songs, smallest);
  const samples = new Map(ways.map((way): [Way, Record<Figure, number>[]] => [way, []]));
  for (let round = 1; round <= rounds; round++) {
    const measured = new Map<Way, Sample>();
    for (const way of ways) {
      process.stderr.write(`${database.name}, ${songs} songs, ${way}, round ${round} of ${rounds}\n`);
      measured.set(way, await measure(database, url, songs, way));
    }
    const limit = measured.get(WAYS[1])?.seconds ?? NaN;
    for (const [way, sample] of measured)
      samples.get(way)?.push({ ...sample, ofLimit: sample.seconds / limit });
  }
  return Array.from(samples, ([way, all]) => {
    const figures = summariseAll(all, "seconds", "ofLimit", "waitMs", "megabytes");
    return { labels: [database.name, songs.toLocaleString("en"), way], figures };
  });
}

/** A statement for each song takes minutes for a large fold. */
function waysFor(songs: number, smallest: number): readonly Way[] {
  return songs === smallest ? WAYS : WAYS.slice(0, 2);
}

function goalsOf(row: Row<Figure>): Goal<Figure>[] {
  const [database, songs, way] = row.labels;
  if (way !== WAYS[0]) return [];
  const unit = "× the time of bulk load and one `UPDATE`";
  const time = { row, figure: "ofLimit", relation: "≤", value: 1, unit } as const;
  const memory = { row, figure: "megabytes", relation: "≤", value: MAX_MEGABYTES, unit: "MB" } as const;
  const wait = { row, figure: "waitMs", relation: "≤", value: MAX_WAIT_MS, unit: "ms" } as const;
  // A writer of SQLite locks the whole file.
  const always = database === "SQLite" ? [memory] : [memory, wait];
  return songs === SIZES[1].toLocaleString("en") ? [time, ...always] : always;
}

async function makeTable(database: TestDatabase, songs: number): Promise<string> {
  const url = await database.create();
  const text = database.name === "SQLite" ? "TEXT" : "varchar(100)";
  await query(
    url,
    `CREATE TABLE song (id ${text} PRIMARY KEY, plays bigint NOT NULL, note bigint NOT NULL DEFAULT 0)`,
  );
  for (let first = 0; first < songs; first += 10_000) {
    const ids = Array.from({ length: 10_000 }, (_, n) => `('song-${String(first + n).padStart(9, "0")}', 0)`);
    await query(url, `INSERT INTO song (id, plays) VALUES ${ids.slice(0, songs - first).join()}`);
  }
  return url;
}

async function measure(database: TestDatabase, url: string, songs: number, way: Way): Promise<Sample> {
  const server = await start({ name: "playcount", command: playcount() });
  try {
    await preload(server.url, songs);
    const before = await sumOf(url);
    const name = `fold-${crypto.randomUUID()}`;
    const command = ["src/main.ts", "fold", "--from", server.url, "--into", url, "--name", name];
    const other = ["bench/fold/other-way.ts", server.url, url, way === WAYS[1] ? "bulk" : "row-by-row"];
    const probe = probeWrites(url, songs);
    const startedAt = performance.now();
    const job = Bun.spawn([process.execPath, ...(way === WAYS[0] ? command : other)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const status = await job.exited;
    const seconds = (performance.now() - startedAt) / 1000;
    const waitMs = await probe.end();
    if (status !== 0 || (await sumOf(url)) !== before + songs)
      throw new Error(`${way} did not store each play once in ${database.name}`);
    return { seconds, waitMs, megabytes: (job.resourceUsage()?.maxRSS ?? NaN) / 1e6 };
  } finally {
    end(server.child);
  }
}

async function sumOf(url: string): Promise<number> {
  return Number((await query(url, "SELECT sum(plays) AS plays FROM song"))[0]?.["plays"]);
}

/** Changes single rows until `end` is called, which returns the longest time that a change took. */
function probeWrites(url: string, songs: number): { end: () => Promise<number> } {
  const { client } = openDatabase(url);
  let [isOver, longest] = [false, 0];
  const probing = (async () => {
    while (!isOver) {
      const id = `song-${String(Math.floor(Math.random() * songs)).padStart(9, "0")}`;
      const startedAt = performance.now();
      // A lock that is waited for too long ends the statement, which has waited all the same.
      await Promise.resolve(client.unsafe(`UPDATE song SET note = note + 1 WHERE id = '${id}'`)).catch(
        () => {},
      );
      longest = Math.max(longest, performance.now() - startedAt);
      await Bun.sleep(10);
    }
    await client.close({ timeout: 0 });
    return longest;
  })();
  return {
    end: () => {
      isOver = true;
      return probing;
    },
  };
}
