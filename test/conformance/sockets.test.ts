import { afterAll, beforeAll, describe } from "bun:test";
import { environmentName, type Settings } from "../../src/config.ts";
import { cappedCases, CAPS, cases, wireCases } from "./cases/index.ts";
import { type Running, RUNTIMES } from "./runtimes.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { runCases } from "./suite.ts";

const caps = Object.fromEntries(
  Object.entries(CAPS).map(([name, value]) => [environmentName(name as keyof Settings), String(value)]),
);

for (const runtime of RUNTIMES) {
  describe(`on ${runtime.name}`, () => {
    const running: Running[] = [];
    const subjects: Subject[] = [];

    beforeAll(async () => {
      for (const [environment, root] of [
        [{}, "/"],
        [caps, `${CAPS.basePath}/`],
      ] as const) {
        const server = await runtime.start(environment);
        running.push(server);
        subjects.push(subjectOf(runtime.userAgent, server.origin, root, (url, init) => fetch(url, init)));
      }
    });

    afterAll(async () => {
      await Promise.all(running.map((server) => server.stop()));
    });

    runCases({ ...cases, ...wireCases }, () => subjects[0] as Subject);
    runCases(cappedCases, () => subjects[1] as Subject);
  });
}
