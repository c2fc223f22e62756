import type { SongPlays } from "../songs.ts";
import type { SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";

/**
 * Slices of a part that the database may refuse before the rest of it is given up. Clients choose ids, and
 * other writers wait for the rows of a part. 500 find each of about 50 wrong songs among 10,000.
 */
const MAX_REFUSALS = 500;

/**
 * Stores rows by `act` in a transaction, and tries the halves of rows that the database refuses. Returns the
 * rows that are not stored: refused ones, and those that `act` returns. `act` returns `undefined` if what it
 * did must be undone.
 */
export async function inHalves(
  database: Database,
  tx: SqlRunner,
  rows: SongPlays,
  act: (rows: SongPlays) => Promise<SongPlays | undefined>,
): Promise<SongPlays> {
  const slices = [rows];
  const left: SongPlays[] = [];
  for (let refusals = 0; slices.length > 0 && refusals < MAX_REFUSALS;) {
    const slice = slices.pop() as SongPlays;
    await database.run(tx, "SAVEPOINT slice");
    const missing = await act(slice).catch((error: unknown) => {
      if (!database.means("refused", error)) throw error;
      return undefined;
    });
    if (missing === undefined) await database.run(tx, "ROLLBACK TO SAVEPOINT slice");
    // Otherwise each savepoint would be inside the last one, and PostgreSQL would run out of memory.
    await database.run(tx, "RELEASE SAVEPOINT slice");
    const half = slice.length >> 1;
    if (missing !== undefined) left.push(missing);
    else if (half === 0) left.push(slice);
    else slices.push(slice.slice(half), slice.slice(0, half));
    if (missing === undefined) refusals++;
  }
  return [...left, ...slices].flat();
}
