import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { request } from "./asking.ts";
import { type Program, PROGRAMS } from "./balancer.ts";
import { balance, type Edit } from "./configuration.ts";
import { meet, PLAY, stopAll } from "./meeting.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

/** Mistakes that an operator might make in a configuration. With each, a play is sent twice. */
const UNSAFE: Readonly<Record<Program, readonly Edit[]>> = {
  nginx: [
    ["proxy_next_upstream error timeout;", "proxy_next_upstream error timeout non_idempotent;"],
    ['"~^POST $" "unless sent";', '"~^POST $" "again";'],
  ],
  haproxy: [
    ["    http-request disable-l7-retry\n", ""],
    ["use_backend alone unless reads || METH_POST has_key", "use_backend alone if FALSE"],
  ],
};

describe.each(PROGRAMS)("The tests see with %s", (program) => {
  test.each(UNSAFE[program].map((edit) => [edit]))("that it is unsafe to have %p", async (edit) => {
    expect((await meet(program, "shared", PLAY, "closed", { edits: [edit] })).seen).toHaveLength(2);
  });

  test("an address that a configuration has not", async () => {
    const balancing = balance(program, "shared", [
      "http://127.0.0.1:1",
      "http://127.0.0.1:2",
      "http://127.0.0.1:3",
    ]);
    await expect(balancing).rejects.toThrow("10.0.0.3:8000");
  });

  test("an address that is left", async () => {
    await expect(balance(program, "spread", ["http://127.0.0.1:1"])).rejects.toThrow("10.0.0.2:8000");
  });
});

test.skipIf(!PROGRAMS.includes("haproxy"))(
  "HAProxy closes a kept connection without an answer where writes do not go by way of `alone`",
  async () => {
    const edits: Edit[] = [["use_backend alone unless reads || METH_POST has_key\n", ""]];
    expect((await meet("haproxy", "spread", PLAY, "closed", { edits })).status).toBe(502);
    expect((await meet("haproxy", "spread", PLAY, "closed", { edits, isUsed: true })).status).toBeUndefined();
  },
);

test.skipIf(!PROGRAMS.includes("nginx"))(
  "nginx sends a DELETE twice where it may repeat what HTTP says can be",
  async () => {
    const edits: Edit[] = [["        proxy_next_upstream off;\n", ""]];
    expect((await meet("nginx", "shared", request("DELETE /"), "closed", { edits })).seen).toHaveLength(2);
  },
);
