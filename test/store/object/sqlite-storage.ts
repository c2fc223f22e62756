import { Database } from "bun:sqlite";
import type { ObjectStorage, SqlValue } from "../../../src/store/object/schema.ts";

/** Makes the storage of an object that does not run on workerd: a database of Bun, in memory. */
export function sqliteStorage(maxPages: number = 2 ** 30): ObjectStorage {
  const database = new Database(":memory:");
  database.run(`PRAGMA max_page_count = ${maxPages}`);
  const run = (query: string, values: SqlValue[]) => {
    if (values.length === 0 && query.includes(";"))
      database.run(query); // several statements
    else return database.query<Record<string, unknown>, SqlValue[]>(query).all(...values);
    return [];
  };
  return {
    sql: {
      exec(query, ...values) {
        try {
          return run(query, values);
        } catch (error) {
          throw new Error(`${(error as Error).message}: ${(error as { code: string }).code}`); // as workerd's
        }
      },
    },
    transactionSync: (act) => database.transaction(act)(),
  };
}
