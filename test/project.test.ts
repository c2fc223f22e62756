import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import jsr from "../jsr.json" with { type: "json" };
import { VERSION } from "../src/version.ts";
import { RUNTIMES, run } from "./support/process.ts";

const ROOT = join(import.meta.dir, "..");
const MANIFEST: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const ALL = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
const SCRIPTS = ALL.filter((path) => path.endsWith(".lua")).map((path) => path.replaceAll("\\", "/"));
const FILES = ALL.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .map((path) => path.replaceAll("\\", "/"))
  .sort();
const SOURCES = new Map(FILES.map((path) => [path, readFileSync(join(ROOT, "src", path), "utf8")]));

/** Only these may use what a runtime adds to the web's globals. */
const BOUND_TO_A_RUNTIME = /^(?:main\.ts$|cli\/|adapters\/(?:bun|deno|node)[./]|store\/(?:durable|redis)\/)/;

const PORTABLE = readPortable();

const TOOLS = ["async", "error-message.ts", "hash.ts", "keyed-map.ts", "version.ts"];
const STORE = ["store", "settings", ...TOOLS];

/** The layers, from the outside in: the other folders that the files of a folder may import from. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "main.ts": ["cli", ...TOOLS],
  "mod.ts": ["http", "http/metrics", "store/memory", ...STORE],
  cli: [
    "adapters",
    "http",
    "http/metrics",
    "client",
    "fold",
    "fold/sql",
    "mapping",
    "store/durable",
    "store/memory",
    "store/redis/shards",
    "store/redis",
    ...STORE,
  ],
  fold: ["fold/sql", "client", "mapping", "settings", ...TOOLS],
  "fold/sql": ["fold", ...TOOLS],
  adapters: ["http", "http/request", "http/response", "store/object", ...STORE],
  http: [
    "http/resources",
    "http/streams",
    "http/request",
    "http/response",
    "http/metrics",
    "mapping",
    ...STORE,
  ],
  "http/resources": [
    "http",
    "browser",
    "http/streams",
    "http/request",
    "http/response",
    "http/metrics",
    "mapping",
    ...STORE,
  ],
  "http/streams": ["http/request", "http/metrics", "mapping", ...STORE],
  "http/request": ["http/response", "mapping", ...STORE],
  "http/response": ["mapping", ...STORE],
  "http/metrics": ["http/response"],
  browser: [],
  client: ["mapping", "settings", ...TOOLS],
  mapping: [...STORE],
  "store/redis": [
    "store/redis/songs",
    "store/redis/control",
    "store/redis/shards",
    "store/redis/scripts",
    "store/redis/cluster",
    ...STORE,
  ],
  "store/redis/songs": [
    "store/redis",
    "store/redis/shards",
    "store/redis/scripts",
    "store/redis/cluster",
    ...STORE,
  ],
  "store/redis/control": [
    "store/redis",
    "store/redis/shards",
    "store/redis/scripts",
    "store/redis/cluster",
    ...STORE,
  ],
  "store/redis/shards": ["store/redis", "store/redis/scripts", "store/redis/cluster", ...STORE],
  "store/redis/cluster": ["store/redis/scripts", ...TOOLS],
  "store/redis/scripts": ["store/redis/shards", ...STORE],
  "store/durable": ["store/durable/threads", "store/durable/disk", "store/memory", ...STORE],
  "store/durable/threads": ["store/memory", ...STORE],
  "store/durable/disk": ["store/durable/threads", "store/memory", ...STORE],
  "store/memory": [...STORE],
  "store/object": [...STORE],
  store: ["settings", ...TOOLS],
  settings: ["error-message.ts"],
  async: [],
  "error-message.ts": [],
  "hash.ts": [],
  "keyed-map.ts": ["hash.ts"],
  "version.ts": [],
};

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: unknown;
  optionalDependencies?: unknown;
  devDependencies: Record<string, string>;
  exports: Record<string, unknown>;
  license: string;
}

describe("The package", () => {
  test("needs no other package at run time", () => {
    expect(MANIFEST.dependencies ?? {}).toEqual({});
    expect(MANIFEST.peerDependencies).toBeUndefined();
    expect(MANIFEST.optionalDependencies).toBeUndefined();
  });

  test("is developed with Bun's types, the runtimes under test and axe alone, each pinned", () => {
    expect(Object.keys(MANIFEST.devDependencies).sort()).toEqual([
      "@types/bun",
      "axe-core",
      "bun",
      "deno",
      "node",
      "workerd",
    ]);
    for (const [name, version] of Object.entries(MANIFEST.devDependencies)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test("has one version and licence, on npm and on JSR", () => {
    expect(VERSION).toBe(MANIFEST.version);
    expect(jsr).toMatchObject({ version: VERSION, license: MANIFEST.license });
  });

  test("exports the same entries on npm as on JSR, types first, each made from a source that exists", () => {
    const made = Object.entries(jsr.exports).map(([entry, source]) => {
      expect(FILES).toContain(source.replace("./src/", ""));
      const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
      return [entry, { types: `${built}.d.ts`, default: `${built}.js` }];
    });
    expect(MANIFEST.exports).toEqual({
      ...Object.fromEntries(made),
      "./package.json": "./package.json",
    });
    for (const conditions of Object.values(MANIFEST.exports))
      if (typeof conditions === "object") expect(Object.keys(conditions ?? {})[0]).toBe("types");
  });
});

test("The documentation of every entry is complete, by the linter of JSR", async () => {
  const { status, stderr } = await run([
    ...RUNTIMES.deno.slice(0, 1),
    "doc",
    "--lint",
    ...Object.values(jsr.exports),
  ]);
  expect(stderr.match(/^(?:error| *-->).*/gm) ?? []).toEqual([]);
  expect(status).toBe(0);
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
      (name) => !/^(?:\.{1,2}\/[\w./-]+\.(?:ts|lua)|(?:node|bun):[\w/]+)$/.test(name),
    );
    expect(foreign).toEqual([]);
    for (const path of FILES)
      for (const target of localImportsOf(path)) expect([...FILES, ...SCRIPTS], path).toContain(target);
    const imported = FILES.flatMap(localImportsOf);
    expect(SCRIPTS.filter((path) => !imported.includes(path))).toEqual([]);
  });

  test("name no runtime, except in the folders that exist for one", () => {
    const bound = (path: string) =>
      importsOf(path).some((name) => name.startsWith("node:")) ||
      /\b(?:Bun|Deno|process|Buffer|require|__dirname|setImmediate)\b|\bimport\.meta\b/.test(codeOf(path));
    const isExpected = (path: string) => BOUND_TO_A_RUNTIME.test(path);
    expect(FILES.filter((path) => bound(path) && !isExpected(path))).toEqual([]);
  });

  test("are all compiled without a runtime's types, except in the folders that exist for one", () => {
    const unchecked = FILES.filter((path) => !PORTABLE.some((glob) => glob.match(path)));
    expect(unchecked.filter((path) => !BOUND_TO_A_RUNTIME.test(path))).toEqual([]);
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

  test.each(Object.entries(MAY_IMPORT))(
    "of %s import from their own folder and those inside it: %p",
    (folder, allowed) => {
      const own = FILES.filter((path) => folderOf(path) === folder);
      expect(own.length).toBeGreaterThan(0);
      const others = own.flatMap(localImportsOf).map(folderOf);
      expect([...new Set(others)].filter((other) => other !== folder && !allowed.includes(other))).toEqual(
        [],
      );
    },
  );

  test("are in a folder whose imports are limited", () => {
    expect([...new Set(FILES.map(folderOf))].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
  });

  test("have no Map or Set of strings whose number clients choose, except KeyedMap, whose hash has a key", () => {
    const ofProgram: Record<string, string> = {
      "http/handler.ts": "methods of a route",
      "http/guard.ts": "origins of a setting",
      "store/redis/songs/single-songs.ts": "queues whose script is under way: each waits for Redis",
      "store/redis/songs/batches.ts": "numbers of shards",
      "store/redis/cluster/topology.ts": "addresses of servers",
    };
    const made = FILES.filter((path) => /^(?:http|store|mapping)\//.test(path)).filter((path) =>
      /new (?:Map|Set)(?:<string\b|\(list)|(?:Object|Map)\.groupBy/.test(source(path)),
    );
    expect(made.sort()).toEqual(Object.keys(ofProgram).sort());
  });

  test("switch no check off", () => {
    const hushed = FILES.filter((path) => /@ts-|\bas any\b|: any\b|biome-ignore|eslint/.test(source(path)));
    expect(hushed).toEqual([]);
  });
});

describe("Comments", () => {
  const comments = ["src", "test", "bench"].flatMap(commentsOf);

  test("are wrapped at 110 columns", () => {
    const lines = comments.filter(({ line }) => /^\s*\/?[*/]/.test(line));
    const long = lines.filter(({ line }) => line.length > 110);
    expect(long).toEqual([]);
  });

  test("of src open with a verb or a noun, and use plain words", () => {
    const opening =
      /\/\*\*[\s*]+(?:What|Whether|Who|Why|How|Where|Which|Gives|Takes no|Says that|Sees to it|Has [^.]*\bdone)\b.*/g;
    const odd =
      /\b(?:unless told|as told|(?:is|are|was|were) told|or else|but for|any more|another one|anew|so many|some \d\S*|all that (?:is|was)|one who|who(?:so)?ever|somebody|someone|nobody|there (?:is|are) no|sees to it)\b/i;
    expect(FILES.flatMap((path) => source(path).match(opening) ?? [])).toEqual([]);
    const ofSrc = comments.filter(({ path }) => path.startsWith("src/"));
    expect(ofSrc.filter(({ line }) => odd.test(line))).toEqual([]);
  });
});

/** Lists the lines with a comment of the sources in a folder. */
function commentsOf(folder: string): { path: string; line: string }[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const lines = readFileSync(join(ROOT, folder, path), "utf8").split("\n");
      const comments = lines.filter((line) => /^\s*\/?\*|(?:^|\s)\/\/ /.test(line));
      return comments.map((line) => ({ path: `${folder}/${path.replaceAll("\\", "/")}`, line }));
    });
}

function source(path: string): string {
  return SOURCES.get(path) ?? "";
}

/** What a file imports, types and what is loaded later included. */
function importsOf(path: string): string[] {
  const imports =
    /^(?:import|export)\b[^;"]*?\bfrom "([^"]+)"(?: with \{[^}]*\})?;|^import "([^"]+)";|\bimport\("([^"]+)"\)/gm;
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

/** Returns the longest folder of `MAY_IMPORT` with the file. A file at the top of `src` is its own folder. */
function folderOf(path: string): string {
  const folders = Object.keys(MAY_IMPORT).filter(
    (folder) => path === folder || path.startsWith(`${folder}/`),
  );
  return folders.sort((a, b) => b.length - a.length)[0] ?? dirname(path);
}

/** The globs of the configuration that compiles without any runtime's types, relative to `src`. */
function readPortable(): Bun.Glob[] {
  const text = readFileSync(join(ROOT, "test/portable/tsconfig.json"), "utf8").replace(/^\s*\/\/.*$/gm, "");
  const { include }: { include: string[] } = JSON.parse(text);
  return include.map(
    (path) => new Bun.Glob(path.replace("../../src/", "").replace(/\/[\w-]+$|^[\w-]+$/, "$&/**")),
  );
}
