import { createRequire } from "node:module";
import { basename, join } from "node:path";

// The installed `workerd` is a script that starts the real program, and leaves it running when it is killed.
const { default: binary } = createRequire(import.meta.url)("workerd") as { default: string };

/** Command that serves a configuration with workerd, and prints the port. */
export const WORKERD: readonly string[] = [binary, "serve", "--control-fd=1"];

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
  const objects =
    data === undefined
      ? ["", ""]
      : [
          `durableObjectNamespaces = [(className = "PlayCounter", uniqueKey = "playcount", enableSql = true)],
           durableObjectStorage = (localDisk = "data"),`,
          `(name = "data", disk = (path = "${data}", writable = true)),`,
        ];
  if (data !== undefined) texts.push('(name = "PLAY_COUNTER", durableObjectNamespace = "PlayCounter")');
  const path = `${module}.capnp`;
  await Bun.write(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "${basename(module)}")],
    compatibilityDate = "2026-11-01",
    ${objects[0]}
    bindings = [${texts.join(", ")}],
  )), ${objects[1]}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  );
  return path;
}
