import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { ROOT } from "./pages.ts";

/** An example in the doc comment of a symbol. */
export interface Example {
  /** File and line of the comment. */
  place: string;
  /** The example's program, with the imports of what it uses. */
  program: string;
}

/** An entry of the package, and the values that it exports. */
interface Entry {
  name: string;
  /** Path from the root. */
  source: string;
  values: Record<string, unknown>;
}

const COMMENT = /^ *\/\*\*(?:(?!\*\/)[\s\S])*?@example\s*\n((?:(?!\*\/)[\s\S])*)\*\//gm;

const FENCED = /```ts\n([\s\S]*?)```/g;

/** Returns the entries of the package, the runtimes' own adapters first. */
export async function entriesOf(): Promise<Entry[]> {
  const entries = Object.entries(manifest.exports).map(async ([entry, { default: built }]) => {
    const source = built.replace("./dist/", "src/").replace(/\.js$/, ".ts");
    const values = (await import(join(ROOT, source))) as Record<string, unknown>;
    return { name: entry.replace(/^\./, "playcount"), source, values };
  });
  return await Promise.all(entries);
}

/** Returns every example of the sources. */
export async function examplesOf(): Promise<Example[]> {
  const entries = await entriesOf();
  const paths = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return paths
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .flatMap((path) => readExamples(join("src", path), entries));
}

function readExamples(path: string, entries: readonly Entry[]): Example[] {
  const source = readFileSync(join(ROOT, path), "utf8");
  return Array.from(source.matchAll(COMMENT), ({ index, 1: comment = "" }) => {
    const text = comment.replace(/^ *\* ?/gm, "");
    const program = Array.from(text.matchAll(FENCED), ([, part = ""]) => part).join("\n");
    const own = entries.filter((entry) => entry.source === path);
    const line = source.slice(0, index).split("\n").length;
    return { place: `${path}:${line}`, program: withImports(program, [...own, ...entries]) };
  });
}

/**
 * Adds an import of each name that the program uses but does not import, from the first entry that exports
 * it.
 */
function withImports(program: string, entries: readonly Entry[]): string {
  const imported = new Map<string, string>();
  for (const { name: entry, values } of entries)
    for (const name of Object.keys(values)) {
      const isUsed = new RegExp(`\\b${name}\\b`).test(program) && name !== "default";
      const isKnown = new RegExp(`^import [^;]*\\b${name}\\b`, "m").test(program) || imported.has(name);
      if (isUsed && !isKnown) imported.set(name, entry);
    }
  const imports = Array.from(imported, ([name, entry]) => `import { ${name} } from "${entry}";\n`);
  return imports.join("") + program;
}
