import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export const ROOT: string = join(import.meta.dir, "../../..");

/** A fenced block of a page. */
export interface Block {
  language: string;
  text: string;
  /** Line of the page that the block begins on. */
  line: number;
  /** Comment of HTML before the block, which says how the block is run, or why it is not. */
  note: string;
}

/** Every page that the tests read, by its path from the root. */
export const PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "bench/README.md",
  ...markdownIn("docs"),
  ...markdownIn("src"),
];

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Returns the fenced blocks of a page. */
export function blocksOf(path: string): Block[] {
  const page = readPage(path);
  const fences = /^(?:<!-- ([^\n]+) -->\n\n?)?```(\w*)\n(.*?)^```$/gms;
  return Array.from(page.matchAll(fences), ({ index, 1: note = "", 2: language = "", 3: text = "" }) => ({
    language,
    text,
    note,
    line: page.slice(0, index).split("\n").length,
  }));
}

/** Returns the file name that a program states in its first line, as in `// server.ts`. */
export function fileNameOf(program: string): string | undefined {
  return /^\/\/ ([\w-]+\.ts)\n/.exec(program)?.[1];
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(path: string): string[] {
  const headings = withoutCode(readPage(path)).matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Returns the links of a page into the repository: each file's path from the root, and the anchor. */
export function linksOf(path: string): { file: string; anchor: string }[] {
  const targets = withoutCode(readPage(path)).matchAll(/\]\(([^)\s]+)\)/g);
  return Array.from(targets, ([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { file: file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file)), anchor };
    });
}

function withoutCode(page: string): string {
  return page.replace(/^```.*?^```$/gms, "");
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join(folder, path))
    .sort();
}
