import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureCrafted } from "./crafted.ts";
import { measureCraftedBatches } from "./crafted-batches.ts";
import { measureGrowth } from "./growth.ts";
import { measureThreads } from "./threads.ts";

/** The store without HTTP: its memory, its slowest addition, its threads. */
export const store: Suite = {
  name: "store",
  async run(options) {
    const tables = [
      await measureGrowth(options),
      await measureThreads(options),
      await measureCrafted(options),
      await measureCraftedBatches(options),
    ];
    return toSuiteResult(tables, options.smoke, { bun: Bun.version });
  },
};
