import { expect, test } from "bun:test";
import { blocksOf, PAGES, readPage } from "../docs/support/pages.ts";
import { filesIn, readText, readYaml } from "./support/files.ts";

/** Returns the block of the page that has `part`. */
function blockWith(part: string): string {
  const block = blocksOf("docs/deploy/README.md").find(({ text }) => text.includes(part));
  if (block === undefined) throw new Error(`docs/deploy/README.md has no block with ${part}`);
  return block.text;
}

test("The commands for Kubernetes name what the manifests have, and can be repeated", () => {
  const manifests = filesIn("kubernetes").map((path) =>
    readYaml<{ kind: string; metadata?: { name: string } }>(path),
  );
  const known = manifests.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata?.name}`);
  const commands = blockWith("kubectl");
  const named = commands.match(/\b(?:statefulset|deployment|service|cronjob)\/[\w-]+/g) ?? [];
  expect(named).toContain("cronjob/playcount-fold");
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  const [, label] = /--selector=app\.kubernetes\.io\/name=(\S+)/.exec(commands) ?? [];
  expect(readText("kubernetes/base/fold.yaml")).toContain(`labels: { app.kubernetes.io/name: ${label} }`);
  expect(commands).toMatch(/^job=fold-\$\(date .*\nkubectl create job .* "\$job"$/m);
});

test("No page builds a program that reads the files of the folder in which it is started", () => {
  expect(blockWith("systemctl")).toContain("bun run build:binary ");
  const pages = PAGES.filter((path) => readPage(path).includes("build --compile"));
  expect(pages).toEqual([]);
});
