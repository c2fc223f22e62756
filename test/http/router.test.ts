import { expect, test } from "bun:test";
import { compile, createRouter, type Groups } from "../../src/http/router.ts";
import { templateOf, routeTable } from "../../src/http/routes.ts";
import { checkSetting } from "../../src/settings/settings.ts";
import { parseTarget } from "../../src/http/request/target.ts";
import { Random } from "../support/random.ts";

const PATTERNS = 4_000;
const URLS = 30; // for each pattern, so that there are 120,000 cases

/** A pattern that records each execution, which a compiled matcher avoids. */
class WatchedPattern extends URLPattern {
  executed = false;

  override exec(input?: string | URLPatternInit, baseURL?: string): URLPatternResult | null {
    if (typeof input === "object") this.executed = true;
    return baseURL === undefined ? super.exec(input) : super.exec(input, baseURL);
  }
}

test("a matcher agrees with URLPattern on every URL", () => {
  const random = new Random("router");
  const tally = { matched: 0, compiledMatched: 0, compiled: 0, fellBack: 0, longest: 0 };
  for (let count = 0; count < PATTERNS; count++) {
    const { source, sample, ignoreCase } = anyPattern(random);
    const pattern = new WatchedPattern({ pathname: source }, { ignoreCase });
    const match = compile(pattern);
    pattern.executed = false;
    for (let n = 0; n < URLS; n++) {
      const url = anyUrl(random, sample());
      const expected = canonical(pattern.exec(url)?.pathname.groups);
      const groups = canonical(match(parseTarget(arrived(random, url))));
      if (!Bun.deepEquals(groups, expected)) {
        expect({ source, ignoreCase, url, groups }).toEqual({ source, ignoreCase, url, groups: expected });
      }
      tally.longest = Math.max(tally.longest, url.length);
      if (expected !== undefined) tally[pattern.executed ? "matched" : "compiledMatched"]++;
    }
    tally[pattern.executed ? "fellBack" : "compiled"]++;
  }
  // Otherwise the test would prove little.
  const cases = PATTERNS * URLS;
  const matched = tally.matched + tally.compiledMatched;
  expect(matched).toBeGreaterThan(cases / 4);
  expect(cases - matched).toBeGreaterThan(cases / 4);
  expect(tally.compiledMatched).toBeGreaterThan(cases / 10);
  expect(tally.compiled).toBeGreaterThan(PATTERNS / 4);
  expect(tally.fellBack).toBeGreaterThan(PATTERNS / 4);
  expect(tally.longest).toBeGreaterThan(10_000);
});

test("the name of the resource cannot be the first segment of a longer path", () => {
  const [, ...others] = routeTable({ basePath: "", resource: "song" }); // the first is the song's own
  const paths = others.map((route) => templateOf(route).split("/").slice(1));
  const taken = new Set(paths.filter(({ length }) => length > 1).map(([first]) => first));
  expect([...taken].sort()).toEqual(["folds", "health"]);
  for (const name of taken) expect(() => checkSetting("resource", name)).toThrow("resource must be");
  for (const name of ["batch", "metrics", "healthy"]) expect(checkSetting("resource", name)).toBe(name);
});

test.each([
  ["", "song"],
  ["/plays", "a.b"],
  ["/x_~-9/y", "S"],
  ["", "7"],
])("no route under %p with the resource %p executes a URLPattern", (basePath, resource) => {
  const url = `http://localhost${basePath}/${resource}/1`;
  const matches = routeTable({ basePath, resource }).map((route) => {
    const pattern = new WatchedPattern({ pathname: route.pattern.pathname });
    const match = compile(pattern);
    pattern.executed = false;
    const groups = match(parseTarget(url));
    return { groups, executed: pattern.executed };
  });
  expect(matches.length).toBeGreaterThan(5);
  expect(matches[0]).toEqual({ groups: { id: "1" }, executed: false });
  for (const match of matches.slice(1)) expect(match).toEqual({ groups: undefined, executed: false });
});

test("a router takes the first route that matches", () => {
  const routes = ["/a/:id", "/a/b", "/a/:rest(.+)", "/*"].map((pathname) => ({
    name: pathname,
    pattern: new URLPattern({ pathname }),
  }));
  const find = finder(routes);
  expect(find("/a/b")).toEqual({ route: routes[0] as never, groups: { id: "b" } });
  expect(find("/a/b/c")).toEqual({ route: routes[2] as never, groups: { rest: "b/c" } });
  expect(find("/a")).toEqual({ route: routes[3] as never, groups: { 0: "a" } });
});

test("a router finds nothing if no route matches", () => {
  const find = finder([{ pattern: new URLPattern({ pathname: "/a/:id" }) }]);
  expect(["/", "/a", "/a/", "/a/b/c", "/b/a/b"].map(find)).toEqual([...Array(5)].map(() => undefined));
  expect(finder([])("/")).toBeUndefined();
});

/** Returns a function that finds the route of a path and its groups, as the router does. */
function finder<R extends { pattern: URLPattern }>(routes: readonly R[]) {
  const find = createRouter(routes);
  return (path: string): { route: R; groups: Groups } | undefined => {
    const found: { groups: Groups } = { groups: {} };
    const route = find(parseTarget(`http://localhost${path}`), found);
    return route === undefined ? undefined : { route, groups: found.groups };
  };
}

interface AnyPattern {
  source: string;
  ignoreCase: boolean;
  /** Makes a path that is likely to match. */
  sample: () => string;
}

const PLAIN = ["song", "SONG", "a", "b.c", "x_~-9", "1", "plays"];
const ODD = [".", "..", "%2e", "a%20b", "é", "a b", "s+o", ""];
const IDS = [
  ["1", "x", "", "a/b", "a%2Fb", "%zz", "%2e%2E", "é", "歌😀"],
  ["a;b=c", "a=b,c", '"<>`{}|^', "+", "/", "."],
].flat();

/** Groups after the literal: the shapes that are compiled, and others. */
const KNOWN = ["", "/", ":id", ":id(.+)", "/:id", "/:id(.+)"];
const OTHERS = [
  ["/:id?", "/:id+", "/:id*", "/*", "/(.*)", "/:id(.*)", "/:id(\\d+)", "/:x(a|b)", "/:id(.+)/x"],
  ["{/:id}?", "{/b}?", "{/x/:id}", "/:a-:b", "/:a/:b", "/:a/x", "\\:id", "/:id.", "/__proto__/:id"],
].flat();

function anyPattern(random: Random): AnyPattern {
  const literal = Array.from(
    { length: random.below(3) + 1 },
    () => `/${random.pick(random.chance(0.15) ? ODD : PLAIN)}`,
  ).join("");
  const end = random.pick(random.chance(0.5) ? KNOWN : OTHERS);
  // A plus sign and a bare percent sign have a meaning in a pattern.
  const source = literal.replaceAll("+", "\\+") + end;
  const sample = () => literal + fill(random, end);
  return { source, ignoreCase: random.chance(0.1), sample };
}

function fill(random: Random, end: string): string {
  return end
    .replace(/\{(.*)\}\??/, (_, group: string) => (random.chance(0.7) ? group : ""))
    .replace(/\\:/, () => ":")
    .replace(/:\w+(?:\([^)]*\))?[?+*]?|\(.*\)|\*/g, () =>
      random.chance(0.5) ? random.pick(["1", "12", "song-1", "a"]) : random.text(IDS, 2),
    );
}

const MUTATIONS: ((path: string, at: number, random: Random) => string)[] = [
  (path, at) => path.slice(0, at) + path.slice(at + 1),
  (path, at) => path.slice(0, at),
  (path, at) => `${path.slice(0, at)}/${path.slice(at)}`,
  (path, at) => path.slice(0, at) + (path[at] ?? "").toUpperCase() + path.slice(at + 1),
  (path, at) => `${path.slice(0, at)}${encodeByte(path[at] ?? "x")}${path.slice(at + 1)}`,
  (path, at, random) =>
    path.slice(0, at) + random.pick(["/..", "/.", "/%2e", "/.%2E/", "/..."]) + path.slice(at),
  (path, at, random) => path.slice(0, at) + random.pick(IDS) + path.slice(at),
  (path) => path.replaceAll("/", "\\"),
  (path) => `/.${path}`,
  (path) => `${path}/`,
  (path, _, random) => path + "x".repeat(random.below(16_000)),
];

function anyUrl(random: Random, sample: string): string {
  let path = sample;
  for (let times = random.pick([0, 0, 0, 1, 2]); times > 0; times--) {
    path = random.pick(MUTATIONS)(path, random.below(path.length) + 1, random);
  }
  const origin = random.pick([
    "http://localhost",
    "https://localhost:8000",
    "http://[::1]:80",
    "http://a.example",
  ]);
  const suffix = random.pick(["", "", "", "?top=1", "?a/b", "?", "#/x", "?a#b"]);
  // No part of the path may become part of the host.
  return `${origin}/${path.slice(1)}${suffix}`;
}

/** Returns a URL as runtimes pass it to a handler: as it was sent, or as the standard writes it. */
function arrived(random: Random, url: string): string {
  return random.pick([new URL(url).href, url]);
}

function encodeByte(character: string): string {
  const code = character.charCodeAt(0);
  return code < 128 ? `%${code.toString(16).padStart(2, "0")}` : character;
}

/** Writes groups as the URL standard writes a path, in a fixed order. */
function canonical(groups: Groups | undefined): [string, string | undefined][] | undefined {
  if (groups === undefined) return undefined;
  return Object.entries(groups)
    .map(([name, group]): [string, string | undefined] => [
      name,
      group === undefined ? undefined : new URL(`http://h/x${group}`).pathname.slice(2),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
