import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };

/** A server under test that runs in a process of its own. */
export interface Running {
  origin: string;
  stop: () => Promise<void>;
}

/** A runtime that the suite runs on. */
export interface Runtime {
  name: string;
  /** What its `navigator.userAgent` begins with: its name, and the version that is pinned. */
  userAgent: string;
  start: (environment: Readonly<Record<string, string>>) => Promise<Running>;
}

const versions = manifest.devDependencies;
const directory = import.meta.dir;
const bin = join(directory, "../../node_modules/.bin");
const server = join(directory, "serve-process.ts");

/** All of them. None is ever left out: where one is missing, its tests fail. */
export const RUNTIMES: readonly Runtime[] = [
  {
    name: "bun",
    userAgent: `Bun/${versions["@types/bun"]}`,
    start: (environment) => run([process.execPath, server, "bun"], environment),
  },
  {
    name: "deno",
    userAgent: `Deno/${versions.deno}`,
    start: (environment) => run([join(bin, "deno"), "run", "-A", "--no-config", server, "deno"], environment),
  },
  {
    name: "node",
    userAgent: `Node.js/${versions.node.split(".")[0]}`,
    start: (environment) => run([join(bin, "node"), server, "node"], environment),
  },
  { name: "workerd", userAgent: "Cloudflare-Workers", start: startWorkerd },
];

async function run(command: string[], environment: Readonly<Record<string, string>>): Promise<Running> {
  const child = Bun.spawn(command, {
    env: { ...process.env, ...environment },
    stdout: "pipe",
    stderr: "inherit",
    stdin: "ignore",
  });
  for await (const chunk of child.stdout) {
    const origin = /^(http:\S+)\/\n/.exec(new TextDecoder().decode(chunk))?.[1];
    if (origin !== undefined) return { origin, stop: () => end(child) };
  }
  throw new Error(`Cannot start ${command.join(" ")}: it ended with status ${await child.exited}`);
}

/** workerd takes JavaScript, a configuration file, and its settings as bindings. */
async function startWorkerd(environment: Readonly<Record<string, string>>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "playcount-workerd-"));
  const built = await Bun.build({
    entrypoints: [join(directory, "serve-workerd.ts")],
    outdir: folder,
    format: "esm",
  });
  if (!built.success) throw new Error(`Cannot build for workerd: ${built.logs.join("\n")}`);
  const bindings = Object.entries(environment).map(
    ([name, value]) => `(name = "${name}", text = "${value}")`,
  );
  await Bun.write(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "serve-workerd.js")],
    compatibilityDate = "2026-11-01",
    bindings = [${bindings.join(", ")}],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  );
  // With --control-fd workerd says which port it was given.
  const child = Bun.spawn([join(bin, "workerd"), "serve", "--control-fd=1", join(folder, "config.capnp")], {
    stdout: "pipe",
    stderr: "inherit",
    stdin: "ignore",
  });
  for await (const chunk of child.stdout) {
    const port = /"port":(\d+)/.exec(new TextDecoder().decode(chunk))?.[1];
    if (port === undefined) continue;
    const stop = async () => {
      await end(child);
      await rm(folder, { recursive: true });
    };
    return { origin: `http://127.0.0.1:${port}`, stop };
  }
  throw new Error(`Cannot start workerd: it ended with status ${await child.exited}`);
}

async function end(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}
