import { toSuiteResult } from "../harness/result-table.ts";
import type { Suite } from "../harness/suite.ts";
import { measureOneSong } from "./one-song.ts";
import { versions } from "./subjects.ts";

/** Speed and cost of counting and reading one song. */
export const http: Suite = {
  name: "http",
  async run(options) {
    const programs = versions(); // first, because it reports what is not installed
    return toSuiteResult([await measureOneSong(options)], options.smoke, programs);
  },
};
