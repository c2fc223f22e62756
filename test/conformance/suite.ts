import { test } from "bun:test";
import { type Cases, expectAnswer, type Subject } from "./subject.ts";

/** Registers a test for each case. Each begins with nothing counted. */
export function runCases(
  cases: Cases,
  subject: () => Subject,
  headers: Readonly<Record<string, string>> = {},
): void {
  for (const [statement, run] of Object.entries(cases)) {
    test(statement, async () => {
      const { fetch, root } = subject();
      await expectAnswer(fetch(root, { method: "DELETE", headers }), 200, "OK");
      await run(subject());
    });
  }
}
