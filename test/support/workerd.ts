import { createRequire } from "node:module";
import { basename, join } from "node:path";

// The installed `workerd` is a script that starts the real program, and leaves it running when it is killed.
const { default: binary } = createRequire(import.meta.url)("workerd") as { default: string };

/** Command that serves a configuration with workerd, and prints the port. */
export const WORKERD: readonly string[] = [binary, "serve", "--control-fd=1"];

/**
 * Bundles a module that exports `{ fetch }` into `folder`, and returns the path of a configuration that
 * serves it with text `bindings`.
 */
export async function bundleForWorkerd(
  entry: string,
  folder: string,
  bindings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const texts = Object.entries(bindings).map(([name, value]) => `(name = "${name}", text = "${value}")`);
  const built = await Bun.build({ entrypoints: [entry], outdir: folder, format: "esm" });
  if (!built.success) throw new Error(`Cannot bundle ${entry}: ${built.logs.join("\n")}`);
  const path = join(folder, "config.capnp");
  await Bun.write(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "${basename(entry, ".ts")}.js")],
    compatibilityDate = "2026-11-01",
    bindings = [${texts.join(", ")}],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  );
  return path;
}
