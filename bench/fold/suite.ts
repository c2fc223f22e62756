import { INSTALLED, query } from "../../test/fold/support/databases.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureHandOver } from "./hand-over.ts";

/** The hand-over of folds to databases. */
export const fold: Suite = {
  name: "fold",
  async run(options) {
    const versions = await readVersions(); // first, because it reports what is not installed
    return toSuiteResult([await measureHandOver(options)], options.smoke, { bun: Bun.version, ...versions });
  },
};

async function readVersions(): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const database of INSTALLED) {
    await database.start();
    const statement = database.name === "SQLite" ? "SELECT sqlite_version() AS v" : "SELECT version() AS v";
    versions[database.name] = String((await query(await database.create(), statement))[0]?.["v"]);
    await database.stop();
  }
  return versions;
}
