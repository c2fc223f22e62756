import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import jsr from "../../jsr.json" with { type: "json" };
import { RUNTIMES } from "../support/process.ts";
import { pack, succeed } from "./packed.ts";

// The registries' checks of the package, and the tools that its users bundle and check it with.

setDefaultTimeout(300_000);

const ROOT = join(import.meta.dir, "../..");
const [deno = ""] = RUNTIMES.deno;
const ENTRIES = Object.keys(jsr.exports).map((entry) => entry.replace(".", "playcount"));

/** Counts a play by the client, with a handler in the place of the network. */
const PROGRAM = `import { createHandler, ShardedStore } from "playcount";
import { CountClient } from "playcount/client";

const handle = createHandler(new ShardedStore());
const fetch = async (url, init) => await handle(new Request(url, init));
console.log(await new CountClient("http://localhost", { fetch }).incrementPlayCount("1"));
`;

/** A project with the tools, and with playcount installed from its tarball. */
let folder: string;
let consumer: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "playcount-packages-"));
  consumer = join(folder, "consumer");
  for (const name of ["package.json", "bun.lock"])
    await cp(join(import.meta.dir, name), join(consumer, name));
  const install = succeed([process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"], consumer);
  tarball = await pack(folder);
  await install;
  await succeed(["tar", "-xzf", tarball, "-C", "consumer/node_modules"], folder);
  await succeed(["mv", "package", "playcount"], join(consumer, "node_modules"));
  await Bun.write(join(consumer, "app.js"), PROGRAM);
});

afterAll(() => rm(folder, { recursive: true }));

/** Runs a tool of the project on Node. */
async function runTool(name: string, ...args: readonly string[]): Promise<string> {
  const path = `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}`; // tools begin with `env node`
  const environment = { PATH: path, NO_COLOR: "1" };
  return (await succeed([`node_modules/.bin/${name}`, ...args], consumer, environment)).stdout;
}

describe("The registries' checks find nothing:", () => {
  test("publint", async () => {
    expect(await runTool("publint", "run", tarball, "--strict")).toEndWith("All good!\n");
  });

  test("Are the types wrong?", async () => {
    await runTool("attw", tarball, "--profile", "esm-only");
  });

  test("deno publish --dry-run, which refuses slow types", async () => {
    const { stderr } = await succeed([deno, "publish", "--dry-run", "--allow-dirty"], ROOT, {
      NO_COLOR: "1",
    });
    expect(stderr).toContain("Success Dry run complete");
  });
});

describe("A program with the handler and the client is bundled, and runs, with", () => {
  test.each([
    ["Vite", "vite/app.js", ["vite", "build", "--logLevel=error"]],
    ["esbuild", "esbuild.mjs", ["esbuild", "app.js", "--bundle", "--format=esm", "--outfile=esbuild.mjs"]],
    ["webpack", "webpack/main.js", ["webpack", "--mode=production", "--entry=./app.js", "-o", "webpack"]],
  ] as const)("%s", async (_name, bundle, command) => {
    const lib = { entry: "app.js", formats: ["es"], fileName: "app" };
    const config = { build: { lib, outDir: "vite", target: "esnext" } };
    await Bun.write(join(consumer, "vite.config.js"), `export default ${JSON.stringify(config)};\n`);
    const [name, ...args] = command;
    await runTool(name, ...args);
    const { stdout } = await succeed([...RUNTIMES.node, bundle], consumer);
    expect(stdout).toBe("1\n");
    expect(await Bun.file(join(consumer, bundle)).text()).not.toMatch(/(?:from|import) ?\(?["']playcount/);
  });

  test("esbuild, which leaves out what a program does not use", async () => {
    const program = 'import { MAX_COUNT } from "playcount";\nconsole.log(MAX_COUNT);\n';
    await Bun.write(join(consumer, "constant.js"), program);
    const bundle = await runTool("esbuild", "constant.js", "--bundle", "--format=esm", "--minify");
    expect(bundle.length).toBeLessThan(200);
  });
});

describe("TypeScript finds no error in a program that imports every entry, with", () => {
  const options = {
    ...{ target: "esnext", lib: ["esnext", "webworker"], types: [], noEmit: true, strict: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: true },
  };

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("module %s and moduleResolution %s", async (module, moduleResolution) => {
    const imports = ENTRIES.map((entry, at) => `import * as entry${at} from "${entry}";\nvoid entry${at};\n`);
    await Bun.write(join(consumer, "all.ts"), imports.join(""));
    const requires = ENTRIES.map(
      (entry, at) => `import entry${at} = require("${entry}");\nvoid entry${at};\n`,
    );
    await Bun.write(join(consumer, "all.cts"), requires.join(""));
    const files = module === "nodenext" ? ["all.ts", "all.cts"] : ["all.ts"];
    const compilerOptions = { ...options, module, moduleResolution };
    await Bun.write(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    expect(await runTool("tsc", "-p", ".")).toBe("");
  });
});

test("A CommonJS program requires every entry on Node, without a warning", async () => {
  const lines = ENTRIES.map((entry) => `console.log(Object.keys(require("${entry}")).length > 0);\n`);
  await Bun.write(join(consumer, "all.cjs"), lines.join(""));
  const { stdout, stderr } = await succeed([...RUNTIMES.node, "all.cjs"], consumer);
  expect({ stdout, stderr }).toEqual({ stdout: "true\n".repeat(ENTRIES.length), stderr: "" });
});
