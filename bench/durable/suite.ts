import { ohaVersion } from "../harness/oha.ts";
import { redisVersions } from "../harness/redis-programs.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { ON_DISK } from "./comparison.ts";
import { measurePosts } from "./posts.ts";
import { measureRestarts } from "./restarts.ts";

/** Counts on disk: the cost of a durable play, and of a restart. */
export const durable: Suite = {
  name: "durable",
  async run(options) {
    // First, because it reports what is not installed.
    const programs = { bun: Bun.version, oha: ohaVersion(), ...redisVersions() };
    return toSuiteResult(
      [await measurePosts(options, ON_DISK), await measureRestarts(options)],
      options.smoke,
      programs,
    );
  },
};
