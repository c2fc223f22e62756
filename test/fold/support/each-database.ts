import { afterAll, beforeAll, describe, test } from "bun:test";
import type { DialectName } from "../../../src/fold/sql/dialects.ts";
import { DATABASES, type TestDatabase } from "./databases.ts";

type Test = typeof test;

/** A database that runs while its tests do. */
export interface DatabaseTests {
  dialect: DialectName;
  database: TestDatabase;
  /** Tests with the database. Skips if it is not installed. */
  testHere: Test;
  /** Tests with databases of a dialect. */
  testOn: (dialect: DialectName) => Test;
  /** Tests with databases that have a server. */
  testServer: Test;
}

/** Describes tests that run with each database. */
export function describeDatabases(define: (tests: DatabaseTests) => void): void {
  for (const database of DATABASES)
    describe(database.name, () => {
      const { dialect, isMissing } = database;
      const skip = test.skip as Test;
      const testHere = isMissing ? skip : test;
      if (!isMissing) {
        beforeAll(() => database.start());
        afterAll(() => database.stop());
      }
      const testOn = (wanted: DialectName) => (dialect === wanted ? testHere : skip);
      const testServer = dialect === "sqlite" ? skip : testHere;
      define({ dialect, database, testHere, testOn, testServer });
    });
}
