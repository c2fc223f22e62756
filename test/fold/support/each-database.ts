import { afterAll, beforeAll, describe, test } from "bun:test";
import { DATABASES, type TestDatabase } from "./databases.ts";

type Test = typeof test;

/** A database that runs while its tests do. */
export interface DatabaseTests {
  name: string;
  database: TestDatabase;
  /** Tests with the database. Skips if it is not installed. */
  testHere: Test;
  /** Tests with the databases of these names. */
  testOn: (...names: string[]) => Test;
  /** Tests with databases that have a server. */
  testServer: Test;
}

/** Describes tests that run with each database. */
export function describeDatabases(define: (tests: DatabaseTests) => void): void {
  for (const database of DATABASES)
    describe(database.name, () => {
      const { name, isMissing } = database;
      const skip = test.skip as Test;
      const testHere = isMissing ? skip : test;
      if (!isMissing) {
        beforeAll(() => database.start());
        afterAll(() => database.stop());
      }
      const testOn = (...names: string[]) => (names.includes(name) ? testHere : skip);
      define({ name, database, testHere, testOn, testServer: name === "SQLite" ? skip : testHere });
    });
}
