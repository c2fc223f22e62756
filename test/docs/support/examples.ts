import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./pages.ts";

/** An example in the doc comment of a symbol. */
export interface Example {
  /** File and line of the comment. */
  place: string;
  program: string;
}

const COMMENT = /^ *\/\*\*(?:(?!\*\/)[\s\S])*?@example\s*\n((?:(?!\*\/)[\s\S])*)\*\//gm;

const FENCED = /```ts\n([\s\S]*?)```/g;

/** Returns every example of the sources. */
export function examplesOf(): Example[] {
  const paths = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return paths
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .flatMap((path) => readExamples(join("src", path)));
}

function readExamples(path: string): Example[] {
  const source = readFileSync(join(ROOT, path), "utf8");
  return Array.from(source.matchAll(COMMENT), ({ index, 1: comment = "" }) => {
    const text = comment.replace(/^ *\* ?/gm, "");
    const line = source.slice(0, index).split("\n").length;
    return {
      place: `${path}:${line}`,
      program: Array.from(text.matchAll(FENCED), ([, part = ""]) => part).join("\n"),
    };
  });
}
