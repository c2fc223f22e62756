import { toResult } from "../part.ts";
import type { Suite } from "../suite.ts";
import { measureCrafted } from "./crafted.ts";
import { measureGrowth } from "./growth.ts";
import { measureThreads } from "./threads.ts";

/** The store alone, without HTTP: its memory, its worst moments, its threads. */
export const store: Suite = {
  name: "store",
  async run(plan) {
    const parts = [await measureGrowth(plan), await measureThreads(plan), await measureCrafted(plan)];
    return toResult(parts, plan.smoke, { bun: Bun.version });
  },
};
