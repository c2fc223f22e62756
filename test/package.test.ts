import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import manifest from "../package.json" with { type: "json" };
import { blocksOf, fileNameOf, linksOf, PAGES } from "./docs/support/pages.ts";
import { pack, succeed } from "./packages/packed.ts";
import { stopAll } from "./store/redis/support/clean-up.ts";
import { RedisServer, testWithRedis } from "./store/redis/support/redis-server.ts";
import { serveBytes, servePlaycount, stopAll as stopServers } from "./support/servers.ts";
import { type Ended, killAll, listen, RUNTIMES, run } from "./support/process.ts";
import { rounds } from "./support/extent.ts";
import { elementsOf } from "./support/element-module.ts";
import { bundleForWorkerd, configureWorkerd, WORKERD } from "./support/workerd.ts";

// The build fetches the TypeScript compiler if it is not cached.
setDefaultTimeout(300_000);

const root = join(import.meta.dir, "..");
const bun = process.execPath;
const [deno = ""] = RUNTIMES.deno;

/**
 * A folder with a copy of the project, to build in, and with a user's project that has playcount installed.
 */
let folder: string;
let consumer: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "playcount-package-"));
  consumer = join(folder, "consumer");
  await pack(folder);
  await install();
});

afterAll(async () => {
  await killAll();
  await stopAll();
  await stopServers();
  await rm(folder, { recursive: true });
});

async function install(): Promise<void> {
  for (const { text } of blocksOf("docs/embedding.md")) {
    const name = fileNameOf(text);
    if (name !== undefined) await Bun.write(join(consumer, name), text.replace("8000", "0"));
  }
  await Bun.write(join(consumer, "package.json"), '{ "type": "module" }');
  // Nothing listens there: an installation needs no registry.
  const noRegistry = { BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/" };
  await succeed([bun, "add", `../playcount-${manifest.version}.tgz`], consumer, noRegistry);
}

test("the tarball holds the built files and their types, the documents, LICENSE and package.json, and nothing else", async () => {
  const installed = join(consumer, "node_modules/playcount");
  const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== ".bun-tag") // Bun's mark of where it comes from
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  const sources = await readdir(join(root, "src"), { recursive: true });
  const built = sources
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .flatMap((name) => [".js", ".d.ts"].map((extension) => `dist/${name.slice(0, -3)}${extension}`));
  const lua = sources.filter((name) => name.endsWith(".lua")).map((name) => `dist/${name}`);
  expect(lua).toContain("dist/store/redis/scripts/add.lua");
  const docs = await readdir(join(root, "docs"), { recursive: true, withFileTypes: true });
  const pages = docs
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  expect(pages).toContain("docs/http.md");
  const others = [
    "CHANGELOG.md",
    "bin/playcount.js",
    "LICENSE",
    "README.md",
    "bench/README.md",
    "package.json",
  ];
  expect(files.sort()).toEqual([...built, ...lua, ...pages, ...others].sort());
});

test("the tarball holds everything that its README and its pages link to", () => {
  const installed = join(consumer, "node_modules/playcount");
  const carried = PAGES.filter((path) => existsSync(join(installed, path)));
  expect(carried).toContain("README.md");
  const missing = carried
    .flatMap(linksOf)
    .map(({ file }) => file)
    .filter((file) => !existsSync(join(installed, file)));
  expect(missing).toEqual([]);
});

test("the portable entries use no types of a runtime", async () => {
  const seen = new Set<string>();
  for (const entry of [
    manifest.exports["."],
    manifest.exports["./client"],
    manifest.exports["./element"],
    manifest.exports["./durable-object"],
  ])
    await visit(join(consumer, "node_modules/playcount", entry.types), seen);
  expect(seen.size).toBeGreaterThan(4);
  for (const path of seen)
    expect(await Bun.file(path).text()).not.toMatch(/\bBun\b|\bDeno\b|node:|reference (?:types|path|lib)/);
});

/** Adds a file of types and all that it imports to `seen`. */
async function visit(path: string, seen: Set<string>): Promise<void> {
  if (seen.has(path)) return;
  seen.add(path);
  const source = (await Bun.file(path).text()).replace(/\/\*\*.*?\*\//gs, ""); // without the examples in comments
  for (const [, specifier = ""] of source.matchAll(/(?:from|import) ?\(?"([^"]+)"/g)) {
    expect(specifier).toStartWith("."); // a package would have to be installed too
    await visit(join(dirname(path), specifier.replace(/\.ts$/, ".d.ts")), seen);
  }
}

describe("in a project with the strictest settings", () => {
  /** Everything that TypeScript finds wrong in the program, and in the types it imports. */
  async function check(program: string): Promise<Pick<Ended, "status" | "stdout">> {
    const options = {
      ...{ target: "esnext", module: "nodenext", lib: ["esnext", "webworker"], types: [], noEmit: true },
      ...{
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
      },
    };
    const config = { compilerOptions: options, files: [program] };
    await Bun.write(join(consumer, "tsconfig.json"), JSON.stringify(config));
    const { status, stdout } = await run([bun, "check", "--no-script"], {}, consumer);
    return { status, stdout };
  }

  test.each(["server.ts", "on-disk.ts", "in-redis.ts"])(
    "a program that embeds playcount has no type errors: %s",
    async (program) => {
      expect(await check(program)).toEqual({ status: 0, stdout: "" });
    },
  );

  test("every entry for all runtimes has types, and they are not any", async () => {
    const program = `import { CountClient } from "playcount/client";
import worker, { type CounterBindings } from "playcount/durable-object";
declare const bindings: CounterBindings;
export const count: string = await new CountClient("http://localhost").getPlayCount("1");
export const answer: string = await worker.fetch(new Request("http://localhost/"), bindings);
`;
    await Bun.write(join(consumer, "wrong.ts"), program);
    const { stdout: found } = await check("wrong.ts");
    expect(found).toContain("wrong.ts(4,14): error TS2322: Type 'number' is not assignable to type 'string'");
    expect(found).toContain(
      "wrong.ts(5,14): error TS2322: Type 'Response' is not assignable to type 'string'",
    );
    expect(found.match(/error/g)).toHaveLength(2);
  });
});

test.each(Object.entries(RUNTIMES))("the command in the tarball runs on %s", async (_name, command) => {
  const installed = join(consumer, "node_modules/.bin/playcount");
  const { status, stdout, stderr } = await run([...command, installed, "--version"], {}, consumer);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toStartWith(`${manifest.version} (`);
});

test("the command in the tarball runs by its name, on Node", async () => {
  const [node] = RUNTIMES.node;
  const path = `${dirname(node ?? "")}:${process.env["PATH"]}`;
  const command = join(consumer, "node_modules/.bin/playcount");
  const ended = await run([command, "--version"], { PATH: path }, consumer);
  const { node: version } = manifest.devDependencies;
  const stdout = `${manifest.version} (Node ${version}, ${process.platform} ${process.arch})\n`;
  expect(ended).toEqual({ status: 0, stdout, stderr: "" });
  const refused = await run([command, "--workers", "2"], { PATH: path }, consumer);
  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toMatch(
    /^playcount: more than 1 worker requires Bun; start the program by bun, [^\n]+\n$/,
  );
});

test("the command of a checkout that is not built says what to do, in one line", async () => {
  const checkout = join(folder, "checkout");
  for (const name of ["bin", "package.json"])
    await cp(join(root, name), join(checkout, name), { recursive: true });
  expect(await run([...RUNTIMES.node, "bin/playcount.js", "--version"], {}, checkout)).toEqual({
    status: 1,
    stdout: "",
    stderr: "playcount: this checkout is not built; start it by npm start, or build it by npm run build\n",
  });
});

test("a runtime that is too old is told what is needed, in one line", async () => {
  const installed = join(consumer, "node_modules/playcount/dist/main.js");
  const old = join(folder, "old.mjs");
  await Bun.write(old, `delete globalThis.URLPattern;\nawait import(${JSON.stringify(installed)});\n`);
  const { status, stdout, stderr } = await run([...RUNTIMES.node, old, "--port", "0"]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(
    /^playcount: needs Bun 1\.4\.5, Deno 2\.9 or Node 24, or a newer one; this is Node v[\d.]+\n$/,
  );
});

/** The machine's own Node, if it is the oldest that the client runs on. */
const NODE_20 = [Bun.which("node") ?? ""].filter(
  (node) => node !== "" && Bun.spawnSync([node, "--version"]).stdout.toString().startsWith("v20."),
);

test.each(NODE_20)("the client in the tarball runs on Node 20: %s", async (node) => {
  const source = await Bun.file(join(root, "test/support/client.ts")).text();
  const program = new Bun.Transpiler({ loader: "ts" }).transformSync(source);
  await Bun.write(
    join(consumer, "client.mjs"),
    program.replace("../../src/client/client.ts", "playcount/client"),
  );
  const broken = await serveBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n");
  const { stdout, stderr } = await run([node, "client.mjs", servePlaycount(), broken], {}, consumer);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ first: 1, second: 2, failed: `${broken}/`, after: 0 });
});

testWithRedis("the command in the tarball keeps counts in Redis", async () => {
  const { address } = await RedisServer.start();
  const installed = join(consumer, "node_modules/.bin/playcount");
  const command = [bun, installed, "--port", "0", "--store", `redis://${address}`];
  const { url } = await listen(command, {}, consumer);
  expect(await (await fetch(`${url}song/1`, { method: "POST" })).text()).toBe("1");
  await killAll();
  await stopAll();
});

const CONSUMERS: Readonly<Record<string, () => Promise<readonly string[]> | readonly string[]>> = {
  bun: () => [bun, "--port=0", "server.ts"],
  deno: () => [deno, "serve", "--host", "127.0.0.1", "--port", "0", "server.ts"],
  node: () => [...RUNTIMES.node, "on-node.ts"],
  workerd: async () => [
    ...WORKERD,
    await bundleForWorkerd(join(consumer, "server.ts"), join(folder, "workerd")),
  ],
};

test.each(Object.entries(CONSUMERS))("a program that mounts it serves both on %s", async (_name, command) => {
  const { url } = await listen(await command(), {}, consumer);
  const ask = async (path: string, method: string) => {
    const response = await fetch(url + path, { method });
    return `${response.status} ${response.headers.get("link-template") ?? ""}${await response.text()}`;
  };
  expect(await ask("plays/song/42", "POST")).toBe("200 1");
  expect(await ask("plays/song/42", "POST")).toBe("200 2");
  expect(await ask("plays/", "GET")).toBe('200 "/plays/song/{id}"; rel="item"42=2');
  expect(await ask("plays/", "GET")).toEndWith("42=2");
  expect(elementsOf((await ask("plays/play-count.js", "GET")).slice(4))).toEqual(["play-count"]);
  expect(await ask("song/42", "GET")).toBe("200 Another page");
  expect(await ask("", "GET")).toBe("200 Another page");
  expect(await ask("plays/nothing", "GET")).toBe("404 Not Found");
  // Nobody can clear the counts, and only this machine can connect.
  for (const [method, path] of [
    ["DELETE", "plays/"],
    ["PUT", "plays/folds/1"],
    ["POST", "plays/batch"],
  ] as const)
    expect(await ask(path, method)).toStartWith("401 ");
  const rebound = await fetch(`${url}plays/song/42`, { headers: { host: "evil.example" } });
  expect(rebound.status).toBe(403);
  expect(await ask("plays/song/42", "GET")).toBe("200 2");
  const elsewhere = url.replace(/127\.0\.0\.1|localhost/, "127.0.0.2");
  await expect(fetch(`${elsewhere}plays/`)).rejects.toThrow();
});

test("a bundle for browsers defines the element, and has nothing of the server", async () => {
  const entry = join(consumer, "page.ts");
  await Bun.write(
    entry,
    `import { definePlayCount } from "playcount/element";\ndefinePlayCount("https://plays.example.com");\n`,
  );
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser", minify: true });
  const bundle = (await outputs[0]?.text()) ?? "";
  expect(bundle.length).toBeLessThan(8000);
  expect(elementsOf(bundle)).toEqual(["play-count"]);
});

test("the project for Cloudflare has counts that survive a restart, and needs its token to clear them", async () => {
  const project = join(consumer, "node_modules/playcount/docs/deploy/cloudflare");
  const [module, data] = [join(folder, "cloudflare/worker.js"), join(folder, "cloudflare/data")];
  await cp(project, consumer, { recursive: true });
  await mkdir(data, { recursive: true });
  await bundle(dirname(module));
  const worker = await configureWorkerd(module, { data, bindings: { PLAYCOUNT_TOKEN: "token" } });
  for (const count of ["1", "2"]) {
    const { url, process, ended } = await listen([...WORKERD, worker]);
    expect(await (await fetch(`${url}song/1`, { method: "POST" })).text()).toBe(count);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(401);
    expect(elementsOf(await (await fetch(`${url}play-count.js`)).text())).toEqual(["play-count"]);
    process.kill("SIGKILL");
    await ended;
  }
});

/** Makes one file of the project for Cloudflare. A run of all tests does so with wrangler, from npm. */
async function bundle(output: string): Promise<void> {
  if (rounds(1, 0) === 0) return void (await bundleForWorkerd(join(consumer, "worker.ts"), output));
  await succeed([bun, "add", "wrangler@4.164.0"], consumer);
  const wrangler = [...RUNTIMES.node, "node_modules/wrangler/bin/wrangler.js"];
  const deploy = [...wrangler, "deploy", "--dry-run", "--outdir", output];
  const { stdout } = await succeed(deploy, consumer, { WRANGLER_SEND_METRICS: "false" });
  expect(stdout).toMatch(/env\.PLAY_COUNTER \(PlayCounter\) +Durable Object/);
}

test("a program keeps its own counts on a disk, on Bun, Deno and Node in turn", async () => {
  const outputs: string[] = [];
  for (const command of [[bun], [deno, "run", "-A"], RUNTIMES.node]) {
    const { stdout, stderr } = await run([...command, "on-disk.ts"], {}, consumer);
    outputs.push(stdout + stderr);
  }
  expect(outputs).toEqual(["1\n", "2\n", "3\n"]);
});

testWithRedis("a program keeps its own counts in Redis, on Bun", async () => {
  const { address } = await RedisServer.start();
  const program = join(consumer, "in-redis.ts");
  await Bun.write(program, (await Bun.file(program).text()).replace("localhost:6379", address));
  for (const stdout of ["1\n", "2\n"])
    expect(await run([bun, program], {}, consumer)).toMatchObject({ status: 0, stdout });
  await stopAll();
});

test.each([
  ["deno", [deno, "run", "-A"]],
  ["node", RUNTIMES.node],
])("a program that wants Redis on %s is told what is needed", async (_name, command) => {
  const { status, stderr } = await run([...command, "in-redis.ts"], {}, consumer);
  expect(status).toBe(1);
  expect(stderr).toContain("playcount/redis requires Bun: it uses Bun's client for Redis\n");
});
