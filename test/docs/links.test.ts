import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { anchorsOf, linksOf, PAGES, readPage, ROOT } from "./support/pages.ts";

/** Longest length of a page, in lines. */
const LIMITS = { "README.md": 150, "CONTRIBUTING.md": 80 };

test.each(PAGES)("Every link of %s leads to a file and a heading that exist", (path) => {
  for (const { file, anchor } of linksOf(path)) {
    expect(existsSync(join(ROOT, file)), `${path} links to ${file}`).toBe(true);
    if (anchor !== "") expect(anchorsOf(file), `${path} links to ${file}`).toContain(anchor);
  }
});

test.each(PAGES)("Every path of the repository that %s names exists", (path) => {
  const named = readPage(path).matchAll(/`((?:src|test|docs|bench|\.ci)\/[\w./-]+)`/g);
  const missing = Array.from(named, ([, name = ""]) => name).filter((name) => !existsSync(join(ROOT, name)));
  expect(missing).toEqual([]);
});

test.each(Object.entries(LIMITS))("%s has at most %i lines", (path, limit) => {
  expect(readPage(path).trimEnd().split("\n").length).toBeLessThanOrEqual(limit);
});

test("Every figure of the README's section on speed stands in the tables of the bench", () => {
  const [, speed = ""] = /^## Speed\n(.*?)^## /ms.exec(readPage("README.md")) ?? [];
  const figures = Array.from(speed.matchAll(/\b\d+\.\d+\b/g), ([figure]) => figure);
  expect(figures.length).toBeGreaterThan(3);
  const tables = readPage("bench/README.md").replace(/^[^|].*$/gm, "");
  for (const figure of figures) expect(tables).toContain(` ${figure} (`);
});

test("The README of the bench has a place for the tables of every suite, and says what is measured", () => {
  const text = readPage("bench/README.md");
  const suites = readdirSync(join(ROOT, "bench")).filter(
    (name) => name !== "harness" && existsSync(join(ROOT, "bench", name, "suite.ts")),
  );
  expect(suites).toContain("fold");
  for (const suite of suites) {
    expect(text).toContain(`\n<!-- ${suite}:begin -->\n\n`);
    expect(text).toContain(`\n<!-- ${suite}:end -->\n`);
    expect(text).toContain(`\n## What is measured: \`${suite}\`\n`);
  }
});

test("Every page of docs is linked from the index of docs, and the README links to it", () => {
  const pages = PAGES.filter((path) => /^docs\/[\w-]+\.md$/.test(path) && path !== "docs/README.md");
  const linked = linksOf("docs/README.md").map(({ file }) => file);
  expect(pages.filter((path) => !linked.includes(path))).toEqual([]);
  expect(linksOf("README.md").map(({ file }) => file)).toContain("docs/README.md");
});

test("The package carries every page that the README and the pages of docs link to", () => {
  const linked = PAGES.filter((path) => /^(?:README\.md|docs\/)/.test(path)).flatMap(linksOf);
  const pages = new Set(linked.map(({ file }) => file).filter((file) => file.endsWith(".md")));
  const isCarried = (file: string) =>
    file === "README.md" || manifest.files.some((name) => file === name || file.startsWith(`${name}/`));
  expect([...pages].filter((file) => !isCarried(file))).toEqual([]);
});
