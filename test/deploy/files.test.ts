import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { filesIn } from "./support/files.ts";

/** The tests that run the files of `docs/deploy`, or give them to a validator. */
const TESTED_BY: readonly (readonly [files: RegExp, test: string])[] = [
  [/^README\.md$/, "test/docs/blocks.test.ts"],
  [/^cloudflare\//, "test/package.test.ts"],
  [/^compose\/(?:compose\.yaml|song\.sql|prometheus\.yml)$/, "test/deploy/compose.test.ts"],
  [/^grafana\/(?:datasource|provider)\.yml$/, "test/deploy/compose.test.ts"],
  [/^grafana\/playcount\.json$/, "test/deploy/watching.test.ts"],
  [/^(?:haproxy|nginx)-(?:shared|spread)\.\w+$/, "test/balancers/spread.test.ts"],
  [/^kubernetes\/(?:base|memory|data|store)\/[\w-]+\.yaml$/, "test/deploy/kubernetes.test.ts"],
  [/^prometheus\/rules(?:\.test)?\.yml$/, "test/deploy/watching.test.ts"],
  [/^systemd\/[\w-]+\.(?:service|timer)$/, "test/deploy/systemd.test.ts"],
];

test("Every file of docs/deploy has a test that runs it or its validator", () => {
  const files = filesIn("");
  expect(files.filter((path) => !TESTED_BY.some(([pattern]) => pattern.test(path)))).toEqual([]);
  for (const [pattern, path] of TESTED_BY)
    if (files.some((file) => pattern.test(file)))
      expect(existsSync(join(import.meta.dir, "../..", path)), path).toBe(true);
});
