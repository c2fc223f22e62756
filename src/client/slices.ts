import { quoted } from "../error-message.ts";
import { randomKey } from "../hash.ts";
import { readSlice } from "./answers.ts";
import { CountServerError } from "./count-server-error.ts";
import { allEnded, type ServerClient } from "./server-client.ts";
import { SongSlice, type SliceOptions } from "./slice.ts";

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
      .send(server, request, (answer) => readSlice(answer, new SongSlice(options)))
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
