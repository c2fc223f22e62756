import { findOha, HOW_TO_GET_OHA } from "../oha.ts";
import { toResult } from "../part.ts";
import { versionOf } from "../programs.ts";
import { redisVersions } from "../redis-programs.ts";
import type { Suite } from "../suite.ts";
import { measurePosts } from "./posts.ts";
import { measureStarts } from "./starts.ts";

/** Counts on a disk: what it costs to have each play there before it is answered, and to start again. */
export const durable: Suite = {
  name: "durable",
  async run(plan) {
    // First of all, as it tells what is not installed.
    const programs = {
      bun: Bun.version,
      oha: versionOf([findOha(), "--version"], /^oha (\S+)/, HOW_TO_GET_OHA),
      ...redisVersions(),
    };
    return toResult([await measurePosts(plan), await measureStarts(plan)], plan.smoke, programs);
  },
};
