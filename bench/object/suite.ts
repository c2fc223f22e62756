import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { bundleForWorkerd, type Worker, WORKERD } from "../../test/support/workerd.ts";
import { type Comparison, measurePosts } from "../durable/posts.ts";
import type { Subject } from "../durable/subjects.ts";
import { ohaVersion } from "../harness/oha.ts";
import { toSuiteResult } from "../harness/result-table.ts";
import { sendRequest } from "../harness/server.ts";
import type { Suite } from "../harness/suite.ts";
import { measureRows } from "./rows.ts";

const ISOLATE = "counts in the memory of one isolate";
const OBJECT = "a Durable Object";

/** Plays on workerd. */
const ON_WORKERD: Comparison = {
  title: "`POST` of one song, on workerd",
  base: ISOLATE,
  ratio: "× in an isolate",
  loads: [
    [1, 1000],
    [64, 5000],
  ],
  goals: () => [],
  subjects: async (folder) => [
    await subject(ISOLATE, "bench/object/isolate.ts", folder, {}),
    await subject(OBJECT, "src/adapters/durable-object.ts", folder, { data: folder }),
  ],
};

async function subject(name: string, module: string, folder: string, worker: Worker): Promise<Subject> {
  const configuration = await bundleForWorkerd(join(import.meta.dirname, "../..", module), folder, worker);
  return {
    name,
    command: (port) => [...WORKERD, configuration, `--socket-addr=http=127.0.0.1:${port}`],
    play: { path: "/song/1" },
    count: async (url) => Number((await sendRequest(`${url}/song/1`)).body),
  };
}

/** Counts in a Durable Object: the cost of a play, and the rows that are billed for it. */
export const object: Suite = {
  name: "object",
  async run(options) {
    const programs = { workerd: manifest.devDependencies.workerd, oha: ohaVersion() };
    return toSuiteResult(
      [await measurePosts(options, ON_WORKERD), await measureRows()],
      options.smoke,
      programs,
    );
  },
};
