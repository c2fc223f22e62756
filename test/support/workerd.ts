import { createRequire } from "node:module";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Listening, listen } from "./process.ts";

// The installed `workerd` is a script that starts the real program, and leaves it running when it is killed.
const { default: binary } = createRequire(import.meta.url)("workerd") as { default: string };

/** Command that serves a configuration with workerd, and prints the port. */
export const WORKERD: readonly string[] = [binary, "serve", "--control-fd=1"];

const COUNTER = join(import.meta.dir, "../../src/adapters/durable-object.ts");

/** A Worker for workerd. */
export interface Worker {
  /** Values of its text bindings. */
  bindings?: Readonly<Record<string, string>>;
  /** Folder for its Durable Objects, of the class `PlayCounter`. Default: it has none. */
  data?: string;
}

/**
 * Bundles a module that exports `{ fetch }` into `folder`, and returns the path of a configuration that
 * serves it.
 */
export async function bundleForWorkerd(entry: string, folder: string, worker: Worker = {}): Promise<string> {
  const built = await Bun.build({ entrypoints: [entry], outdir: folder, format: "esm" });
  if (!built.success) throw new Error(`Cannot bundle ${entry}: ${built.logs.join("\n")}`);
  return await configureWorkerd(join(folder, `${basename(entry, ".ts")}.js`), worker);
}

/** Writes a configuration that serves a bundled module, beside it, and returns its path. */
export async function configureWorkerd(module: string, { bindings = {}, data }: Worker): Promise<string> {
  const texts = Object.entries(bindings).map(([name, value]) => `(name = "${name}", text = "${value}")`);
  if (data !== undefined) texts.push('(name = "PLAY_COUNTER", durableObjectNamespace = "PlayCounter")');
  const namespaces = '[(className = "PlayCounter", uniqueKey = "playcount", enableSql = true)]';
  const objects = `durableObjectNamespaces = ${namespaces}, durableObjectStorage = (localDisk = "data"),`;
  const disk = `(name = "data", disk = (path = "${data}", writable = true)),`;
  const path = `${module}.capnp`;
  await Bun.write(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "${basename(module)}")],
    compatibilityDate = "2026-11-01",
    ${data === undefined ? "" : objects}
    bindings = [${texts.join(", ")}],
  )), ${data === undefined ? "" : disk}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  );
  return path;
}

/** Serves the counter of `playcount/durable-object`, whose objects and module are in folders. */
export async function serveCounter(
  data: string,
  bindings: Readonly<Record<string, string>> = {},
  folder: string = join(data, "worker"),
): Promise<Listening> {
  await mkdir(data, { recursive: true });
  return await listen([...WORKERD, await bundleForWorkerd(COUNTER, folder, { bindings, data })]);
}
