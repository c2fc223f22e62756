import type { SongPlays } from "../songs.ts";
import type { SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";

/**
 * Slices of a part that the database may refuse before the rest of it is given up. Clients choose ids, and
 * other writers wait for the rows of a part. 500 find each of about 50 wrong songs among 10,000.
 */
const MAX_REFUSALS = 500;

/** Rows that are not stored. */
export interface NotStored {
  /** Those that `act` has returned, and those that the database refuses. */
  missing: SongPlays;
  /** The rest, after too many refusals. */
  untried: SongPlays;
}

/**
 * Stores rows by `act` in a transaction, and tries the halves of rows that the database refuses. `act`
 * returns the rows that it could not store, or `undefined` if what it did must be undone.
 */
export async function inHalves(
  database: Database,
  tx: SqlRunner,
  rows: SongPlays,
  act: (rows: SongPlays) => Promise<SongPlays | undefined>,
  maxRefusals: number = MAX_REFUSALS,
): Promise<NotStored> {
  const slices = [rows];
  const missing: SongPlays[] = [];
  for (let refusals = 0; slices.length > 0 && refusals < maxRefusals;) {
    const slice = slices.pop() as SongPlays;
    await database.run(tx, "SAVEPOINT slice");
    let refusal: unknown;
    const found = await act(slice).catch((error: unknown) => {
      if (!database.means("refused", error)) throw error;
      refusal = error;
      return undefined;
    });
    if (found === undefined) {
      refusals++;
      // A trigger of SQLite may have ended the transaction, which only its own message explains.
      await database.run(tx, "ROLLBACK TO SAVEPOINT slice").catch((error: unknown) => {
        throw refusal ?? error;
      });
      const half = slice.length >> 1;
      if (half === 0) missing.push(slice);
      else slices.push(slice.slice(half), slice.slice(0, half));
    } else missing.push(found);
    // Without it each savepoint would be inside the last one, and PostgreSQL would run out of memory.
    await database.run(tx, "RELEASE SAVEPOINT slice");
  }
  return { missing: missing.flat(), untried: slices.flat() };
}
