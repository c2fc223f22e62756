import { findOha, HOW_TO_GET_OHA } from "../oha.ts";
import { toResult } from "../part.ts";
import { versionOf } from "../programs.ts";
import { redisVersions } from "../redis-programs.ts";
import type { Suite } from "../suite.ts";
import { measureBatches } from "./batches.ts";
import { measureGrowth } from "./growth.ts";
import { measurePosts } from "./posts.ts";

/** Counts in Redis: what a play costs in all processes together, alone and in batches, and with many songs. */
export const redis: Suite = {
  name: "redis",
  async run(plan) {
    // First of all, as it tells what is not installed.
    const oha = versionOf([findOha(), "--version"], /^oha (\S+)/, HOW_TO_GET_OHA);
    const programs = { bun: Bun.version, oha, ...redisVersions() };
    const parts = [await measurePosts(plan), await measureBatches(plan), ...(await measureGrowth(plan))];
    return toResult(parts, plan.smoke, programs);
  },
};
