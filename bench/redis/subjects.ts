import { preload } from "../harness/preload.ts";
import type { Redis } from "../harness/redis.ts";
import { type RunningServer, sendRequest } from "../harness/server.ts";
import { songId, songIdPattern } from "../harness/song-id.ts";
import { checkCounting } from "../http/correctness.ts";
import type { Method } from "../http/figures.ts";

/** Servers on one Redis that share their counts, and their requests. */
export interface Subject {
  name: string;
  servers: readonly RunningServer[];
  /** HTTP method and pattern of the path, by the operation: counting (`POST`) or reading (`GET`) a song. */
  request: Readonly<Record<Method, readonly [method: string, path: string]>>;
  /** Reads the plays of all songs. */
  plays: () => Promise<number>;
}

export const ONE = "one playcount";
const TWO = "two playcounts";
export const WEBDIS = "webdis";

const SONGS = 10_000;

/** Starts all subjects on one Redis. Each song has one play. */
export async function startSubjects(redis: Redis): Promise<Subject[]> {
  const servers = [await redis.startPlaycount("posts"), await redis.startPlaycount("posts")] as const;
  const [{ url }] = servers;
  for (const server of servers) await checkCounting(server);
  await preload(url, SONGS);
  const path = `/song/${songIdPattern(SONGS)}`;
  const shared = {
    request: { POST: ["POST", path], GET: ["GET", path] },
    plays: async () => sumOfPlays((await sendRequest(`${url}/`)).body),
  } as const;
  return [
    { name: ONE, servers: [servers[0]], ...shared },
    { name: TWO, servers, ...shared },
    await startWebdis(redis),
  ];
}

/** Its answers are plain text, as playcount's are: that costs webdis less than JSON. */
async function startWebdis(redis: Redis): Promise<Subject> {
  const ids = Array.from({ length: SONGS }, (_, song) => songId(song));
  await redis.set(ids, "1");
  const songs = songIdPattern(SONGS);
  return {
    name: WEBDIS,
    servers: [await redis.startWebdis()],
    request: { POST: ["GET", `/INCR/${songs}.txt`], GET: ["GET", `/GET/${songs}.txt`] },
    plays: () => redis.sum(ids),
  };
}

function sumOfPlays(list: string): number {
  return list.split(",").reduce((sum, pair) => sum + Number(pair.slice(pair.indexOf("=") + 1)), 0);
}
