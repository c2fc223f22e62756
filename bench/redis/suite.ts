import { ohaVersion } from "../harness/oha.ts";
import { redisVersions } from "../harness/redis-programs.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureBatches } from "./batches.ts";
import { measureManySongs } from "./many-songs.ts";
import { measurePosts } from "./posts.ts";

/** Counts in Redis: the cost of a play in all processes together, alone, in batches, and with many songs. */
export const redis: Suite = {
  name: "redis",
  async run(options) {
    // First, because it reports what is not installed.
    const programs = { bun: Bun.version, oha: ohaVersion(), ...redisVersions() };
    const tables = [
      await measurePosts(options),
      await measureBatches(options),
      ...(await measureManySongs(options)),
    ];
    return toSuiteResult(tables, options.smoke, programs);
  },
};
