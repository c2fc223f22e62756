import { ohaVersion } from "../harness/oha.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureNamedSongs } from "./named-songs.ts";
import { measureWatching } from "./watching.ts";

/** Counts on pages: many songs in one request, and clients that view counts while they change. */
export const pages: Suite = {
  name: "pages",
  async run(options) {
    const programs = { bun: Bun.version, oha: ohaVersion() };
    const tables = [await measureNamedSongs(options), await measureWatching(options)];
    return toSuiteResult(tables, options.smoke, programs);
  },
};
