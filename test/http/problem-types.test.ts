import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROBLEM_TYPES, typeReference } from "../../src/http/response/problem-types.ts";
import { createHandler, Refusal, ShardedStore } from "../../src/mod.ts";
import { UnknownOutcome } from "../../src/store/refusal.ts";

const ROOT = join(import.meta.dir, "../..");
const NAMES = Object.keys(PROBLEM_TYPES) as (keyof typeof PROBLEM_TYPES)[];

interface Schema {
  required: string[];
  properties?: Record<string, { const?: unknown; description?: string }>;
}

describe("The problem types", () => {
  test("are all schemas of the OpenAPI document", async () => {
    const handle = createHandler(new ShardedStore(), { basePath: "/plays" });
    const answer = await handle(new Request("http://localhost/plays/openapi.json"));
    const { components } = (await answer.json()) as { components: { schemas: Record<string, Schema> } };
    const { Problem, ...others } = components.schemas;
    expect(Problem?.required).toEqual(["type", "title", "status"]);
    const schemas = Object.fromEntries(
      Object.entries(others).filter(([, { properties }]) => properties?.["type"]?.const !== undefined),
    );
    expect(Object.keys(schemas)).toEqual(NAMES);
    for (const name of NAMES) {
      const { status, title, members, optional = [] } = PROBLEM_TYPES[name];
      const { properties = {}, required } = schemas[name] as Schema;
      expect(properties["type"]?.const).toBe(typeReference("/plays", name));
      expect([properties["status"]?.const, properties["title"]?.const]).toEqual([status, title]);
      expect(required.slice(3)).toEqual(Object.keys(members).filter((member) => !optional.includes(member)));
      expect(required.slice(0, 3)).toEqual(["type", "title", "status"]);
      for (const [member, meaning] of Object.entries(members))
        expect(properties[member]?.description).toBe(meaning);
    }
  });

  test("are the rows of the table in docs/problems.md", () => {
    const text = readFileSync(join(ROOT, "docs/problems.md"), "utf8");
    const rows = Array.from(text.matchAll(/^\| `.*\|$/gm), ([row]) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
    const wanted = NAMES.map((name) => {
      const { status, title, members } = PROBLEM_TYPES[name];
      const list = Object.entries(members).map(([member, meaning]) => `\`${member}\`: ${meaning}`);
      return [`\`${name}\``, String(status), title, list.join("<br>")];
    });
    expect(rows).toEqual(wanted);
  });

  test.each([
    ["Unavailable", 503, "1", Refusal.unavailable("The disk is full")],
    ["UnknownOutcome", 500, null, new UnknownOutcome()],
  ] as const)("include that of a store that fails: %s is %d", async (name, status, retryAfter, failure) => {
    const store = new ShardedStore();
    store.add = () => {
      throw failure;
    };
    const request = new Request("http://localhost/song/1", {
      method: "POST",
      headers: { accept: "application/json" },
    });
    const answer = await createHandler(store)(request);
    const type = `/openapi.json#/components/schemas/${name}`;
    expect(answer.headers.get("link")).toBe(`<${type}>; rel="type"`);
    expect(answer.headers.get("retry-after")).toBe(retryAfter);
    const { title } = PROBLEM_TYPES[name];
    expect(await answer.json()).toEqual({ type, title, status, detail: failure.message });
  });
});

/** A comparison, a search or a pattern on the message of an error: a better sentence would break it. */
const READS_A_SENTENCE =
  /\.message\s*(?:[=!]==(?! "")|\.(?:match|search|includes|startsWith|endsWith|indexOf|split|replace)\()|\.(?:exec|test)\([^()]*\.message\b/;

test.each(["client", "cli"])("no file in src/%s reads the sentence of an error", (folder) => {
  const files = readdirSync(join(ROOT, "src", folder), { recursive: true, encoding: "utf8" });
  const sources = files.filter((path) => path.endsWith(".ts"));
  expect(sources.length).toBeGreaterThan(5);
  const readers = sources.filter((path) =>
    READS_A_SENTENCE.test(readFileSync(join(ROOT, "src", folder, path), "utf8")),
  );
  expect(readers).toEqual([]);
});
