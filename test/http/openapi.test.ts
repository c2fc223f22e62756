import { describe, expect, test } from "bun:test";
import type { HandlerOptions, StoreOptions } from "../../src/mod.ts";
import { createHandler, Refusal, ShardedStore } from "../../src/mod.ts";
import { HEADERS } from "../../src/http/openapi-answers.ts";
import { templateOf, routeTable } from "../../src/http/routes.ts";
import {
  cappedCases,
  CAPS,
  cases,
  localCases,
  GUARDED,
  guardedCases,
  MANAGER,
} from "../conformance/cases/index.ts";
import { unsupportedClears } from "../conformance/cases/listing.ts";
import { identify } from "../conformance/identify.ts";
import { type Cases, subjectOf } from "../conformance/subject.ts";

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Described>>;
  components: { responses: Record<string, Answer> } & Record<string, Record<string, unknown>>;
}

interface Described {
  operationId: string;
  summary: string;
  security: unknown[];
  responses: Record<string, Answer>;
}

interface Answer {
  $ref?: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: unknown }>;
}

/**
 * Answers by the operation that gave them: `GET /song/{id} 200`. Of each the content types without
 * parameters, the documented header fields, and the problem types, a hash sign in front.
 */
type Seen = Map<string, Set<string>>;

const HEADER_NAMES = Object.keys(HEADERS);

/** Statuses of the runtime, of faults and of stopping, which no case can cause. */
const UNSEEN = ["431", "500", "503"];

/** A store that refuses a conditional clear, as that in Redis does. */
function withoutConditionalClear(): ShardedStore {
  const store = new ShardedStore();
  const clear = store.clear.bind(store);
  store.clear = (fails) => {
    if (fails !== undefined) throw new Refusal("unsupported", "No conditional clear");
    return clear();
  };
  return store;
}

async function documentOf(options: HandlerOptions): Promise<OpenApi> {
  const path = `${options.basePath ?? ""}/openapi.json`;
  const answer = await createHandler(new ShardedStore(), options)(new Request(`http://localhost${path}`));
  expect(answer.headers.get("content-type")).toBe("application/json");
  return (await answer.json()) as OpenApi;
}

/** Runs all cases against a server, and records each answer of an operation. */
async function watch(
  seen: Seen,
  list: Cases,
  options: HandlerOptions & StoreOptions,
  headers = {},
  store = new ShardedStore(options),
): Promise<void> {
  const { basePath = "", resource = "song" } = options;
  const routes = routeTable({ basePath, resource });
  const handle = identify(createHandler(store, options));
  const subject = subjectOf("Bun/", "http://localhost", `${basePath}/`, async (url, init) => {
    const request = new Request(url, init);
    const { method } = request;
    const { pathname } = new URL(url);
    const response = await handle(request);
    const route = routes.find(({ pattern }) => pattern.test({ pathname }));
    const documented = method === "HEAD" ? "GET" : method;
    if (route !== undefined && documented in route.methods) {
      const path = templateOf(route).replace(basePath, "").replace(`/${resource}/`, "/song/");
      const type = response.headers.get("content-type")?.replace(/;.*/, "") ?? "";
      const key = `${documented} ${path} ${response.status}`;
      const problem = /#\/components\/schemas\/\w+(?=>; rel="type")/.exec(
        response.headers.get("link") ?? "",
      )?.[0];
      const all = (seen.get(key) ?? new Set()).add(type).add(problem ?? "");
      for (const name of HEADER_NAMES) if (response.headers.has(name)) all.add(`header ${name}`);
      seen.set(key, all);
    }
    return response;
  });
  for (const run of Object.values(list)) {
    await subject.fetch(subject.root, { method: "DELETE", headers });
    await run(subject);
  }
}

describe("The OpenAPI document", () => {
  test("has every path and method of the route table, and marks those that need a token", async () => {
    const { openapi, paths } = await documentOf({ basePath: "/plays", resource: "video" });
    expect(openapi).toBe("3.1.0");
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const table = routeTable({ basePath: "/plays", resource: "video" });
    const wanted = table.flatMap((route) =>
      Object.keys(route.methods).map((method) => `${method} ${templateOf(route)}`),
    );
    expect(operations.sort()).toEqual(wanted.sort());
    expect(operations).toContain("POST /plays/video/{id}");
    for (const route of table) {
      for (const [method, { scope, summary, name }] of Object.entries(route.methods)) {
        const described = paths[templateOf(route)]?.[method.toLowerCase()];
        expect(described?.summary).toBe(summary);
        expect(described?.operationId).toBe(name);
        expect(described?.security).toEqual(scope === "read" ? [] : [{ bearer: [] }, {}]);
      }
    }
  });

  test("describes exactly the answers that the conformance cases cause", async () => {
    const seen: Seen = new Map();
    await watch(seen, { ...cases, ...localCases }, {});
    await watch(seen, cappedCases, CAPS);
    await watch(seen, guardedCases, GUARDED, MANAGER);
    await watch(seen, unsupportedClears, {}, {}, withoutConditionalClear());
    // Every operation can be refused with 400, 403 and 406: one example of each is enough.
    const { paths, components } = await documentOf({});
    const described = new Map<string, string[]>();
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(item)) {
        for (const [status, answer] of Object.entries(responses)) {
          const name = answer.$ref?.replace("#/components/responses/", "");
          const { content = {}, headers = {} } =
            name === undefined ? answer : (components.responses[name] ?? {});
          described.set(`${method.toUpperCase()} ${path} ${status}`, [
            ...Object.keys(content),
            ...Object.keys(headers).map((header) => `header ${header}`),
            ...(JSON.stringify(content["application/problem+json"] ?? "").match(
              /#\/components\/schemas\/\w+/g,
            ) ?? []),
          ]);
        }
      }
    }
    const undescribed = [...seen.keys()].filter((key) => !described.has(key));
    expect(undescribed).toEqual([]);
    for (const [key, types] of seen) {
      for (const type of types) expect(["", ...(described.get(key) ?? [])], key).toContain(type);
    }
    const unseen = [...described].flatMap(([key, types]) =>
      types
        .filter((type) => /^(?:#|header (?!WWW))/.test(type) && seen.has(key) && !seen.get(key)?.has(type))
        .map((type) => `${key} ${type}`),
    );
    expect(unseen.filter((type) => !/ (?:500|503) |Problem$/.test(type))).toEqual([]);
    const general = ["400", "403", "406"];
    const missing = [...described.keys()].filter((key) => {
      const status = key.split(" ").at(-1) ?? "";
      return !seen.has(key) && !UNSEEN.includes(status) && !general.includes(status);
    });
    expect(missing).toEqual([]);
    for (const status of general)
      expect(
        [...seen.keys()].some((key) => key.endsWith(status)),
        status,
      ).toBe(true);
  });
});
