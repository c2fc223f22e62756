import { findOha, HOW_TO_GET_OHA } from "../oha.ts";
import { toResult } from "../part.ts";
import { versionOf } from "../programs.ts";
import type { Suite } from "../suite.ts";
import { measureBatches } from "./batches.ts";
import { measureCpuBySongs } from "./cpu-by-songs.ts";
import { measureStalls } from "./stalls.ts";

/** Millions of songs over HTTP: what a play costs then, and what keeps it waiting. */
export const songs: Suite = {
  name: "songs",
  async run(plan) {
    // First of all, as it tells what is not installed.
    const oha = versionOf([findOha(), "--version"], /^oha (\S+)/, HOW_TO_GET_OHA);
    const parts = [await measureCpuBySongs(plan), await measureBatches(plan), await measureStalls(plan)];
    return toResult(parts, plan.smoke, { bun: Bun.version, oha });
  },
};
