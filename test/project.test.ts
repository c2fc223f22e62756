import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { VERSION } from "../src/version.ts";

const ROOT = join(import.meta.dir, "..");
const MANIFEST: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const FILES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => path.replaceAll("\\", "/"))
  .sort();
const SOURCES = new Map(FILES.map((path) => [path, readFileSync(join(ROOT, "src", path), "utf8")]));

/** These alone may know what they run on: what is checked with the web's globals alone is everything else. */
const BOUND_TO_A_RUNTIME = readExcluded();

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: unknown;
  optionalDependencies?: unknown;
  devDependencies: Record<string, string>;
  exports: Record<string, Record<string, string>>;
  bin: Record<string, string>;
}

describe("The package", () => {
  test("needs no other package at run time", () => {
    expect(MANIFEST.dependencies ?? {}).toEqual({});
    expect(MANIFEST.peerDependencies).toBeUndefined();
    expect(MANIFEST.optionalDependencies).toBeUndefined();
  });

  test("is developed with Bun's types and the runtimes under test alone, each pinned", () => {
    expect(Object.keys(MANIFEST.devDependencies).sort()).toEqual(["@types/bun", "deno", "node", "workerd"]);
    for (const [name, version] of Object.entries(MANIFEST.devDependencies)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test("has one version", () => expect(VERSION).toBe(MANIFEST.version));

  test("exports what it should, types first, each made from a source that there is", () => {
    const entries = [".", "./client", "./bun", "./deno", "./node", "./workerd"];
    expect(Object.keys(MANIFEST.exports)).toEqual(entries);
    for (const [entry, conditions] of Object.entries(MANIFEST.exports)) {
      expect(Object.keys(conditions), entry).toEqual(["types", "default"]);
      const made = conditions["default"] ?? "";
      expect(conditions["types"]).toBe(made.replace(/\.js$/, ".d.ts"));
      expect(FILES).toContain(sourceOf(made));
    }
    for (const made of Object.values(MANIFEST.bin)) expect(FILES).toContain(sourceOf(made));
  });
});

describe("The sources", () => {
  test("are there, or else the tests below would say nothing", () => {
    expect(FILES.length).toBeGreaterThan(20);
    expect([...SOURCES.keys()].flatMap(importsOf).length).toBeGreaterThan(40);
  });

  test.each(FILES)("%s is no longer than a file should be", (path) => {
    expect(source(path).split("\n").length - 1).toBeLessThanOrEqual(220);
  });

  test("import each other by relative paths, and nothing else but a runtime's own modules", () => {
    const foreign = FILES.flatMap(importsOf).filter(
      (name) => !/^(?:\.{1,2}\/[\w./-]+\.ts|node:[\w/]+)$/.test(name),
    );
    expect(foreign).toEqual([]);
    for (const path of FILES)
      for (const target of localImportsOf(path)) expect(FILES, path).toContain(target);
  });

  test("name no runtime, but for the command line and the adapters that are there to", () => {
    const bound = (path: string) =>
      importsOf(path).some((name) => /^node:|^\.\/(?:bun|deno|node)\.ts$/.test(name)) ||
      /\b(?:Bun|Deno|process|Buffer|require|__dirname|setImmediate)\b|\bimport\.meta\b/.test(codeOf(path));
    const isExcluded = (path: string) =>
      BOUND_TO_A_RUNTIME.some((excluded) => path === excluded || path.startsWith(`${excluded}/`));
    expect(FILES.filter((path) => bound(path) && !isExcluded(path))).toEqual([]);
    const others = FILES.filter(
      (path) =>
        isExcluded(path) &&
        !/^(?:main|stores|command-line|flags|health-check|copy\/[\w-]+|durable\/[\w-]+|redis\/[\w/-]+|adapters\/(?:bun|deno|node|start)(?:-\w+)*)\.ts$/.test(
          path,
        ),
    );
    expect(others).toEqual([]);
  });

  test("do not import each other in circles", () => {
    const done = new Set<string>();
    const circles: string[][] = [];
    const visit = (path: string, way: string[]) => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path]);
      if (way.includes(path) || done.has(path)) return;
      for (const next of localImportsOf(path)) visit(next, [...way, path]);
      done.add(path);
    };
    for (const path of FILES) visit(path, []);
    expect(circles).toEqual([]);
  });

  // From the outside in; each may import what stands behind it, and a layer its own.
  test.each<[layer: RegExp, mayBeImportedBy: RegExp]>([
    [/^(?:main|mod|client)\.ts$/, /^$/],
    [/^(?:command-line|health-check|stores)\.ts$/, /^main\.ts$/],
    [/^durable\//, /^(?:main|stores)\.ts$|^durable\//],
    [/^redis\//, /^stores\.ts$|^redis\//],
    [/^redis\/cluster\//, /^redis\/[\w-]+\.ts$|^redis\/cluster\//],
    [/^redis\/scripts\//, /^redis\//],
    [/^copy\//, /^(?:main|command-line)\.ts$|^copy\//],
    [/^flags\.ts$/, /^command-line\.ts$|^copy\//],
    [/^client\//, /^client(?:\.ts$|\/)|^copy\//],
    [/^adapters\//, /^(?:main\.ts|health-check\.ts|adapters\/)/],
    [/^handler\.ts$/, /^(?:main|mod)\.ts$|^adapters\//],
    [/^routes\.ts$/, /^(?:handler|openapi)\.ts$/],
    [/^openapi\.ts$/, /^handler\.ts$/],
    [/^resources\//, /^routes\.ts$|^resources\//],
    [
      /^store\/(?!(?:count-store|highest|refusal|request-key)\.ts$)/,
      /^(?:stores|mod)\.ts$|^adapters\/workerd\.ts$|^durable\/|^store\//,
    ],
  ])("%p is imported by %p alone", (layer, mayBeImportedBy) => {
    const arrows = FILES.flatMap((path) => localImportsOf(path).map((target) => ({ path, target })));
    expect(arrows.filter(({ path, target }) => layer.test(target) && !mayBeImportedBy.test(path))).toEqual(
      [],
    );
    expect(FILES.some((path) => layer.test(path))).toBe(true);
  });

  test("of the stores know nothing of HTTP", () => {
    const targets = FILES.filter((path) => path.startsWith("store/")).flatMap(localImportsOf);
    const others = targets.filter((target) => !target.startsWith("store/"));
    expect(
      [...new Set(others)].filter(
        (target) => !["awaitable.ts", "config.ts", "hash.ts", "steps.ts"].includes(target),
      ),
    ).toEqual([]);
  });

  test("switch no check off", () => {
    const hushed = FILES.filter((path) => /@ts-|\bas any\b|: any\b|biome-ignore|eslint/.test(source(path)));
    expect(hushed).toEqual([]);
  });
});

function source(path: string): string {
  return SOURCES.get(path) ?? "";
}

function sourceOf(made: string): string {
  return made.replace(/^\.?\/?dist\//, "").replace(/\.js$/, ".ts");
}

/** What a file imports, types and what is loaded later included. */
function importsOf(path: string): string[] {
  const imports = /^(?:import|export)\b[^;"]*?\bfrom "([^"]+)";|^import "([^"]+)";|\bimport\("([^"]+)"\)/gm;
  return Array.from(source(path).matchAll(imports), ([, from, alone, later]) => from ?? alone ?? later ?? "");
}

function localImportsOf(path: string): string[] {
  return importsOf(path).flatMap((name) => (name.startsWith(".") ? join(dirname(path), name) : []));
}

/** The code without comments and types, and without texts of more than one word. */
function codeOf(path: string): string {
  const code = new Bun.Transpiler({ loader: "ts", target: "browser" }).transformSync(source(path));
  return code.replace(/"[^"\n]* [^"\n]*"/g, '""').replace(/`[^`]* [^`]*`/g, "``");
}

/** The sources that the configuration for the portable core leaves out. */
function readExcluded(): string[] {
  const text = readFileSync(join(ROOT, "tsconfig.core.json"), "utf8").replace(/^\s*\/\/.*$/gm, "");
  const { exclude }: { exclude: string[] } = JSON.parse(text);
  return exclude.map((path) => path.replace(/^src\//, "")).sort();
}
