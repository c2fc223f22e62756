import { Database } from "bun:sqlite";
import type { ObjectStorage } from "../../../src/store/object/schema.ts";

/** Makes the storage of an object that does not run on workerd: a database of Bun, in memory. */
export function sqliteStorage(): ObjectStorage {
  const database = new Database(":memory:");
  return {
    sql: {
      exec(query, ...values) {
        if (values.length > 0)
          return database.query<Record<string, unknown>, typeof values>(query).all(...values);
        if (!query.includes(";")) return database.query<Record<string, unknown>, []>(query).all();
        database.run(query); // several statements
        return [];
      },
    },
    transactionSync: (act) => database.transaction(act)(),
  };
}
