import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { isQuick } from "../support/extent.ts";
import { type Listening, listen, RUNTIMES as COMMANDS } from "../support/process.ts";
import { lacksRedis, RedisServer } from "../store/redis/support/redis-server.ts";
import { bundleForWorkerd, WORKERD } from "../support/workerd.ts";
import { objectCases, redisCases } from "./cases/index.ts";
import type { Cases } from "./subject.ts";

/** A server under test in a process of its own. */
export interface Running {
  origin: string;
  stop: () => Promise<void>;
}

/** A runtime under test. */
export interface Runtime {
  name: string;
  /** Beginning of its `navigator.userAgent`: its name and the pinned version. */
  userAgent: string;
  /** Set if its answers wait for a disk or for Redis. */
  waits?: true;
  /** The cases of its store. Default: those of counts in memory or in a folder. */
  ownCases?: Cases;
  isSkipped?: boolean;
  start: (environment: Readonly<Record<string, string>>) => Promise<Running>;
}

const versions = manifest.devDependencies;

/** Commands of the runtimes that run programs. */
const MEMORY = {
  bun: { name: "bun", userAgent: `Bun/${versions["@types/bun"]}`, start: program("bun") },
  deno: { name: "deno", userAgent: `Deno/${versions.deno}`, start: program("deno") },
  node: { name: "node", userAgent: `Node.js/${versions.node.split(".")[0]}`, start: program("node") },
};

/** All runtimes. npm installs them, so none of them is ever missing; Redis may be. */
export const RUNTIMES: readonly Runtime[] = [
  ...Object.values(MEMORY),
  {
    name: "workerd, in a Durable Object,",
    userAgent: "Cloudflare-Workers",
    ownCases: objectCases,
    start: startWorkerd,
  },
  ...(["bun", "deno", "node"] as const).map(durable),
  {
    name: "bun, with --store,",
    userAgent: MEMORY.bun.userAgent,
    waits: true,
    ownCases: redisCases,
    isSkipped: lacksRedis,
    start: onRedis,
  },
];

/** A runtime with the counts of each server in a folder of its own. The quick tests run each runtime once. */
function durable(name: keyof typeof COMMANDS): Runtime {
  const { userAgent, start } = MEMORY[name];
  return {
    name: `${name}, with --data,`,
    userAgent,
    waits: true,
    isSkipped: isQuick,
    async start(environment) {
      const folder = await mkdtemp(join(tmpdir(), "playcount-conformance-"));
      const server = await start({ ...environment, PLAYCOUNT_DATA: folder });
      return {
        ...server,
        async stop() {
          await server.stop();
          await rm(folder, { recursive: true });
        },
      };
    },
  };
}

let redis: Promise<RedisServer> | undefined;

/** Servers that share one Redis, each with a key prefix of its own. */
async function onRedis(environment: Readonly<Record<string, string>>): Promise<Running> {
  redis ??= RedisServer.start();
  const store = `redis://${(await redis).address}`;
  const own = { PLAYCOUNT_STORE: store, PLAYCOUNT_STORE_PREFIX: crypto.randomUUID() };
  // Only a single shard has an exact limit of songs.
  const limited = "PLAYCOUNT_MAX_SONGS" in environment ? { PLAYCOUNT_SHARDS: "1" } : {};
  return await MEMORY.bun.start({ ...environment, ...own, ...limited });
}

function program(name: keyof typeof COMMANDS): Runtime["start"] {
  const command = [...COMMANDS[name], join(import.meta.dir, "serve-process.ts"), name];
  return async (environment) => running(await listen(command, environment));
}

/** workerd needs JavaScript, a configuration file, and settings as bindings. Its counts are on a disk. */
async function startWorkerd(environment: Readonly<Record<string, string>>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "playcount-workerd-"));
  const data = join(folder, "data");
  await mkdir(data);
  const entry = join(import.meta.dir, "serve-workerd.ts");
  const configuration = await bundleForWorkerd(entry, folder, { bindings: environment, data });
  const server = running(await listen([...WORKERD, configuration]));
  return {
    ...server,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function running({ url, process, ended }: Listening): Running {
  return {
    origin: url.replace(/\/$/, ""),
    async stop() {
      process.kill("SIGKILL");
      await ended;
    },
  };
}
