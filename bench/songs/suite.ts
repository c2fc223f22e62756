import { ohaVersion } from "../harness/oha.ts";
import { redisVersions } from "../harness/redis-programs.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureBatches } from "./batches.ts";
import { measureIncrements } from "./increments.ts";
import { measureLatency } from "./latency-under-load.ts";
import { measurePosts } from "./posts.ts";

/** Many songs over HTTP: the cost of a play, alone and in batches, and its latency beside other requests. */
export const songs: Suite = {
  name: "songs",
  async run(options) {
    // First, because it reports what is not installed.
    const programs = { bun: Bun.version, oha: ohaVersion(), ...redisVersions() };
    const tables = [
      await measurePosts(options),
      await measureBatches(options),
      await measureIncrements(options),
      await measureLatency(options),
    ];
    return toSuiteResult(tables, options.smoke, programs);
  },
};
