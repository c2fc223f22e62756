import { checkCounting } from "../correctness.ts";
import { ask, type RunningServer } from "../server.ts";
import { songId, songIdPattern } from "../song-id.ts";
import { playEach } from "./filling.ts";
import type { Redis } from "./redis.ts";

export const METHODS = ["POST", "GET"] as const;
export type Method = (typeof METHODS)[number];

/** One server or several, which are asked at the same time and have the same counts. */
export interface Subject {
  name: string;
  servers: readonly RunningServer[];
  /** How a song is played, or its count asked for: the method, and a regular expression for the path. */
  request: Readonly<Record<Method, readonly [method: string, path: string]>>;
  /** The plays of all songs. */
  plays: () => Promise<number>;
}

export const ONE = "one playcount";
export const TWO = "two playcounts";
export const WEBDIS = "webdis";

const SONGS = 10_000;

/** Starts all that are measured, on one Redis. Each song has been played once. */
export async function startSubjects(redis: Redis): Promise<Subject[]> {
  const servers = [await redis.startPlaycount("posts"), await redis.startPlaycount("posts")] as const;
  const [{ url }] = servers;
  for (const server of servers) await checkCounting(server);
  await playEach(url, SONGS);
  const songs = songIdPattern(SONGS);
  const own = {
    request: { POST: ["POST", `/song/${songs}`], GET: ["GET", `/song/${songs}`] },
    plays: async () => sumOfPlays((await ask(`${url}/`)).body),
  } as const;
  return [
    { name: ONE, servers: [servers[0]], ...own },
    { name: TWO, servers, ...own },
    await startWebdis(redis),
  ];
}

/** Answers in plain text, as playcount does, which costs it less than its JSON. */
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

function sumOfPlays(listing: string): number {
  return listing.split(",").reduce((sum, pair) => sum + Number(pair.slice(pair.indexOf("=") + 1)), 0);
}
