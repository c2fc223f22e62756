import { checkNumber } from "./arguments.ts";

/** Most songs that a request names, as servers accept. */
const MAX_IDS = 100;

/** Longest query with several songs. Bun takes a request head of 16 KiB, and many proxies one of 8 KiB. */
const MAX_LENGTH = 6000;

/** Returns the query with those parameters that have a value. */
export function query(parameters: Record<string, number | undefined>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${checkNumber(name, value, 0, Number.MAX_SAFE_INTEGER)}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** A query that names songs. */
interface NamingQuery<T> {
  path: string;
  songs: T[];
}

/** Divides songs among as few queries as servers and proxies accept. Each query has all parameters. */
export function namingQueries<T extends readonly [id: string, ...unknown[]]>(
  songs: readonly T[],
  parameters: Record<string, number | undefined>,
): NamingQuery<T>[] {
  const others = query(parameters).replace("?", "&");
  const queries: NamingQuery<T>[] = [];
  for (const song of songs) {
    const name = `id=${encodeURIComponent(song[0])}`;
    const last = queries.at(-1);
    if (last !== undefined && last.songs.length < MAX_IDS && last.path.length + name.length < MAX_LENGTH) {
      last.path += `&${name}`;
      last.songs.push(song);
    } else queries.push({ path: `?${name}`, songs: [song] });
  }
  for (const each of queries) each.path += others;
  return queries;
}
