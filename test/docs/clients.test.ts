import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, readPage, ROOT } from "./support/pages.ts";

const PAGE = "docs/clients.md";
const PROGRAMS = "test/clients";

const BLOCKS = blocksOf(PAGE).filter(({ note }) => note.startsWith(`not run: ${PROGRAMS}/`));

/** Programs are in a folder for each language. */
function programs(): string[] {
  const files = readdirSync(join(ROOT, PROGRAMS), { recursive: true, encoding: "utf8" });
  return files.filter((path) => /^\w+\/[\w.-]+$/.test(path)).sort();
}

test("docs/clients.md shows the programs that .ci/clients runs, as they are", () => {
  const shown = BLOCKS.map(({ note, text }) => [/^not run: ([^,]+)/.exec(note)?.[1], text]);
  const wanted = programs().map((path) => [`${PROGRAMS}/${path}`, readPage(`${PROGRAMS}/${path}`)]);
  expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(wanted));
});

test("docs/clients.md shows what the programs print", () => {
  const [printed] = blocksOf(PAGE).filter(({ language }) => language === "text");
  expect(printed?.text).toBe(readPage(`${PROGRAMS}/expected.txt`));
});

test(".ci/clients runs each program that docs/clients.md says it runs", () => {
  const script = readPage(".ci/clients");
  const missing = BLOCKS.filter(({ note }) => note.endsWith(", which .ci/clients runs"))
    .map(({ note }) => /test\/clients\/(\w+\/[\w.-]+)/.exec(note)?.[1] ?? "")
    .filter(
      (path) => !script.includes(`$tests/${path}`) && !script.includes(`"$tests"/${path.split("/")[0]}/*`),
    );
  expect(missing).toEqual([]);
});
