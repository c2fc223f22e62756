import { afterAll, beforeAll, describe } from "bun:test";
import { environmentName } from "../../src/settings/names.ts";
import type { Settings } from "../../src/settings/settings.ts";
import {
  cappedCases,
  cappedWireCases,
  CAPS,
  cases,
  GUARDED,
  guardedCases,
  JSON_FIRST,
  jsonFirstCases,
  jsonFirstWireCases,
  localCases,
  MANAGER,
  pipelinedCases,
  TEXT_CLIENT,
  wireCases,
} from "./cases/index.ts";
import { stopAll } from "../store/redis/support/clean-up.ts";
import { type Running, RUNTIMES } from "./runtimes.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { runCases } from "./suite.ts";

function environmentOf(settings: Partial<Settings>): Record<string, string> {
  const entries = Object.entries(settings);
  return Object.fromEntries(
    entries.map(([name, value]) => [environmentName(name as keyof Settings), String(value)]),
  );
}

afterAll(stopAll); // the Redis that some are on

for (const runtime of RUNTIMES) {
  describe.skipIf(runtime.isSkipped ?? false)(`on ${runtime.name}`, () => {
    const running: Running[] = [];
    const subjects: Subject[] = [];

    beforeAll(async () => {
      for (const [environment, root] of [
        [{}, "/"],
        [environmentOf(CAPS), `${CAPS.basePath}/`],
        [environmentOf(GUARDED), "/"],
        [environmentOf(JSON_FIRST), "/"],
      ] as const) {
        const server = await runtime.start(environment);
        running.push(server);
        subjects.push(subjectOf(runtime.userAgent, server.origin, root, (url, init) => fetch(url, init)));
      }
    });

    afterAll(async () => {
      await Promise.all(running.map((server) => server.stop()));
    });

    runCases({ ...cases, ...(runtime.ownCases ?? localCases), ...wireCases }, () => subjects[0] as Subject);
    // While an answer waits for a disk or for Redis, Bun closes the connection if another request arrives.
    if (!runtime.waits) runCases(pipelinedCases, () => subjects[0] as Subject);
    runCases({ ...cappedCases, ...cappedWireCases }, () => subjects[1] as Subject);
    runCases(guardedCases, () => subjects[2] as Subject, MANAGER);
    runCases({ ...jsonFirstCases, ...jsonFirstWireCases }, () => subjects[3] as Subject, TEXT_CLIENT);
  });
}
