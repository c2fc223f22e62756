import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { lacks } from "../support/extent.ts";
import { run } from "../support/process.ts";
import { stopAll as stopRedis } from "../store/redis/support/clean-up.ts";
import { stopAll } from "../support/servers.ts";
import { type Block, blocksOf, fileNameOf, PAGES } from "./support/pages.ts";
import { PageRun } from "./support/page-run.ts";
import { createProject } from "./support/programs.ts";

setDefaultTimeout(300_000);

/** True if a program that the pages' commands need is missing. */
const isSkipped = lacks("bash", "curl");

/** Languages of blocks that are shown only: drawings, and files of other programs. */
const SHOWN = ["text"];

const NOT_RUN = /^not run: \S.{10,}/;

const RUN = PAGES.map((path) => [path, blocksOf(path).filter(isRun)] as const).filter(
  ([, blocks]) => blocks.length > 0,
);

let project: string;

beforeAll(async () => {
  project = await createProject();
});

afterAll(async () => {
  await stopAll();
  await stopRedis();
  await rm(project, { recursive: true });
});

/** Says if a block is run; one of `sh` is run if its note says so alone, as it may change the machine. */
function isRun({ language, note }: Block): boolean {
  if (NOT_RUN.test(note)) return false;
  return language === "sh" ? note.startsWith("run") : language === "console" || language === "ts";
}

test("Every block of a page names its language, and is run, or says why it is not", () => {
  const blocks = PAGES.flatMap((path) => blocksOf(path).map((block) => ({ path, ...block })));
  const known = ["console", "sh", "ts", ...SHOWN];
  const odd = blocks.filter(
    ({ path, language, note }) =>
      !known.includes(language) &&
      !NOT_RUN.test(note) &&
      !(language === "sql" && path === "docs/hand-over.md") && // hand-over.test.ts runs these
      !(language === "html" && path === "docs/pages.md"), // test/browser/documents.test.ts opens these
  );
  const unsaid = blocks.filter(({ language, note }) => language === "sh" && note === "");
  expect(unsaid.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
  expect(odd.map(({ path, line, language }) => `${path}:${line} ${language}`)).toEqual([]);
  const unknown = blocks.filter(
    ({ note }) => note !== "" && !/^run(?:: server)?$/.test(note) && !NOT_RUN.test(note),
  );
  expect(unknown.map(({ path, line, note }) => `${path}:${line} ${note}`)).toEqual([]);
});

test("The blocks that are not run are these, each with its reason", () => {
  const skipped = PAGES.flatMap((path) =>
    blocksOf(path)
      .filter(({ note }) => NOT_RUN.test(note) && !note.startsWith("not run: test/clients/")) // clients.test.ts
      .map(({ note }) => `${path}: ${note.replace("not run: ", "")}`),
  );
  expect(skipped).toEqual([
    "README.md: starts a server that does not end, by way of the npm registry",
    "README.md: the path is an example",
    "bench/README.md: installs programs, and measures for tens of minutes",
    "docs/balancers.md: installs the configuration of a load balancer, and the addresses are examples",
    "docs/cloudflare.md: deploys to an account of Cloudflare; test/package.test.ts bundles the same project with wrangler, and runs it",
    "docs/container.md: builds an image from base images of a registry",
    "docs/deploy/README.md: needs Docker; test/deploy starts the same programs in the same order, and runs the other lines",
    "docs/deploy/README.md: needs a cluster; test/deploy gives the manifests to their validators",
    "docs/deploy/README.md: changes the machine; test/deploy gives the units to systemd-analyze",
    "docs/http.md: the stream does not end",
    "docs/http.md: needs a browser",
    "docs/install.md: needs a registry that has the package",
    "docs/install.md: fetches Bun for the platforms",
    "docs/pages.md: starts servers that do not end, by way of the npm registry",
    "docs/redis.md: the addresses are examples",
  ]);
});

describe("The blocks run as the page shows, on", () => {
  test.skipIf(isSkipped).each(RUN)("%s", async (path, blocks) => {
    const page = new PageRun(project, path);
    await page.start(blocks);
    try {
      for (const block of blocks)
        await page.run(block).catch((error: unknown) => {
          throw new Error(`${path}:${block.line}: ${error instanceof Error ? error.message : error}`);
        });
    } finally {
      await page.stop();
    }
  });
});

test("The programs of all pages have no type errors", async () => {
  for (const [path, blocks] of RUN)
    for (const { line, text } of blocks.filter((block) => block.language === "ts")) {
      const name = fileNameOf(text) ?? `line-${line}.ts`;
      await Bun.write(join(project, "types", path.replace(/\W+/g, "-"), name), text);
    }
  const checked = await run([process.execPath, "check", "--no-script"], {}, project);
  expect(checked.stdout).toBe("");
  expect(checked.status).toBe(0);
});
