import { quoted } from "../error-message.ts";
import { hash, type HashKey, randomKey } from "../hash.ts";
import { readPairs, type ServerAnswer, wrong } from "./answers.ts";
import { CountServerError } from "./count-server-error.ts";
import { allEnded, type ServerClient } from "./server-client.ts";

/** A mapping that several servers have parts of. */
export interface Source {
  client: ServerClient;
  servers: readonly string[];
  path: string;
  signal: AbortSignal | undefined;
  /** True if a server that does not have the fold is passed over. */
  isOptional?: boolean;
}

/** The plays of a sealed fold. Each iteration has all slices: a transaction that failed can be repeated. */
interface FoldSlices extends AsyncIterable<ReadonlyMap<string, number>> {
  /** True if the last iteration has reached the end. */
  isRead: boolean;
}

/**
 * Seals a fold, or reads an optional one. Returns its plays, summed over all servers, in slices of about
 * `maxSongs` songs.
 *
 * The hash of a song decides its slice. The answers to `PUT` fill the first slice: whenever it has too many
 * songs, the number of slices doubles, and about half of its songs remain. Each further slice reads the whole
 * fold again, from all servers.
 */
export async function sealFold(source: Source, maxSongs: number): Promise<FoldSlices> {
  const limit = Math.ceil(maxSongs / source.servers.length);
  const key = randomKey(); // clients choose the ids, and could fill one slice
  const { counts, sliceCount } = await readSum(source, source.isOptional ? "GET" : "PUT", {
    key,
    maxSongs: limit,
  });
  const slices = {
    isRead: false,
    async *[Symbol.asyncIterator]() {
      slices.isRead = false;
      yield counts;
      for (let at = 1; at < sliceCount; at++)
        yield (await readSum(source, "GET", { at, sliceCount, key })).counts;
      slices.isRead = true;
    },
  };
  return slices;
}

/** Reads a mapping, or a slice of it, from all servers. Returns its sum, and the number of slices. */
export async function readSum(
  { client, servers, path, signal, isOptional = false }: Source,
  method: "GET" | "PUT" = "GET",
  options: Partial<SliceOptions> = {},
): Promise<{ counts: Map<string, number>; sliceCount: number }> {
  const request = { method, path, signal };
  const parts = servers.map((server) =>
    client
      .send(server, request, (answer) => readSlice(answer, options))
      .catch((error: CountServerError) => {
        if (isOptional && error.type === "UnknownFold") return new SongSlice(options);
        throw error;
      }),
  );
  const slices = await allEnded(parts);
  const sliceCount = Math.max(...slices.map((slice) => slice.sliceCount));
  for (const slice of slices) if (slice.sliceCount < sliceCount) slice.divide(sliceCount);
  const [counts = new Map<string, number>(), ...others] = slices.map((slice) => slice.counts);
  for (const [at, more] of others.entries())
    for (const [id, count] of more) counts.set(id, sumOf(id, [counts.get(id) ?? 0, count], servers[at + 1]));
  return { counts, sliceCount };
}

function sumOf(id: string, [a, b]: readonly [number, number], server = ""): number {
  if (Number.isSafeInteger(a + b)) return a + b;
  const message = `The sum of all servers' plays of ${quoted(id)} exceeds ${Number.MAX_SAFE_INTEGER}`;
  throw new CountServerError(server, message, { mayBeDone: false });
}

/** Reads those songs of a mapping that are in a slice. A song that is listed twice is an error. */
async function readSlice(answer: ServerAnswer, options: Partial<SliceOptions> = {}): Promise<SongSlice> {
  const slice = new SongSlice(options);
  await readPairs(answer, (id, count) => slice.add(id, count));
  return slice;
}

/**
 * Reads the count of each song in the answer to a batch, or to a request that only names them, which adds 0.
 *
 * A count below the plays that were just added means that the answer is not from a play counter. It is
 * unknown then if the plays were counted.
 */
export async function readTotals(
  answer: ServerAnswer,
  plays: Iterable<readonly [string, number]>,
): Promise<Map<string, number>> {
  const { counts: totals } = await readSlice(answer);
  for (const [id, added] of plays)
    if ((totals.get(id) ?? -1) < added) throw wrong(answer, `lacks plays of ${quoted(id)}`);
  return totals;
}

/** Largest number of slices. */
const MAX_SLICES = 2 ** 20;

/** Selects slice `at` of `sliceCount` slices of all songs, by a hash with `key`. */
interface SliceOptions {
  at: number;
  /** A power of two. */
  sliceCount: number;
  key: HashKey;
  /** Maximum number of songs. While there are more, `sliceCount` is doubled. */
  maxSongs: number;
}

/** Songs of a mapping, in its order. Default: all of them. */
class SongSlice {
  counts: Map<string, number> = new Map();
  readonly #options: SliceOptions;

  constructor(options: Partial<SliceOptions>) {
    this.#options = { at: 0, sliceCount: 1, key: [0, 0], maxSongs: Infinity, ...options };
  }

  get sliceCount(): number {
    return this.#options.sliceCount;
  }

  /**
   * Adds a song, if it is in this slice.
   *
   * @throws {SyntaxError} for a song that was added before.
   */
  add(id: string, count: number): void {
    const { at, sliceCount, key, maxSongs } = this.#options;
    if (sliceCount > 1 && hash(id, key) % sliceCount !== at) return;
    if (this.counts.has(id)) throw new SyntaxError(`Cannot read a mapping: ${quoted(id)} is listed twice`);
    this.counts.set(sliceCount > 1 ? copyOf(id) : id, count);
    if (this.counts.size > maxSongs && sliceCount < MAX_SLICES) this.divide(sliceCount * 2);
  }

  /** Keeps only the songs that are in this slice of `sliceCount` slices. */
  divide(sliceCount: number): void {
    const { counts } = this;
    this.counts = new Map();
    this.#options.sliceCount = sliceCount;
    for (const [id, count] of counts) this.add(id, count);
  }
}

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Copies an id into memory of its own, because a substring keeps the whole text in memory. */
function copyOf(id: string): string {
  return fromUtf8.decode(toUtf8.encode(id));
}
