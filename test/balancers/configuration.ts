import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Balancer, freePort, type Program } from "./balancer.ts";

/** The two ways of `deploy/`: songs that are spread over servers, or servers that share a store. */
export type Setup = "spread" | "shared";

/** The name that the configurations have, as an operator would edit it. */
export const HOST = "plays.example.com";

/** How long a server may take to answer, in place of the half minute that the configurations give it. */
export const PATIENCE_SECONDS = 1;

/** What is replaced in a configuration: what stands in it, and what shall. */
export type Edit = readonly [from: string, to: string];

/** What stands in the configurations for addresses and for what belongs to a machine. */
const EDITS: Readonly<Record<Program, { own: (port: number) => Edit[]; patience: Edit }>> = {
  nginx: {
    own: (port) => [["listen 80;", `listen 127.0.0.1:${port};`]],
    patience: ["proxy_read_timeout 30s;", `proxy_read_timeout ${PATIENCE_SECONDS}s;`],
  },
  haproxy: {
    own: (port) => [
      ["bind :80\n", `bind 127.0.0.1:${port}\n`],
      ["abns@playcount", `abns@playcount-${port}`], // a name that no two programs of a machine can have
      ["    user haproxy\n    group haproxy\n", ""], // only root can become somebody else
    ],
    patience: ["timeout server 30s", `timeout server ${PATIENCE_SECONDS}s`],
  },
};

/** Starts a balancer in front of `servers` with a configuration of `deploy/`, and no change to it but addresses. */
export async function balance(
  program: Program,
  setup: Setup,
  servers: readonly string[],
  edits: readonly Edit[] = [],
): Promise<Balancer> {
  const port = freePort();
  const addresses = servers.map((url, at): Edit => [`10.0.0.${at + 1}:8000`, new URL(url).host]);
  const all = [...edits, ...EDITS[program].own(port), ...addresses];
  return await Balancer.start(program, port, edit(read(program, setup), all));
}

/** The edit that makes a balancer lose patience soon. */
export function impatient(program: Program): Edit {
  return EDITS[program].patience;
}

/** A configuration as it is in `deploy/`. */
export function read(program: Program, setup: Setup): string {
  const name = `${program}-${setup}.${program === "nginx" ? "conf" : "cfg"}`;
  return readFileSync(join(import.meta.dir, "../../docs/deploy", name), "utf8");
}

/** @throws {Error} if something that is to be replaced is not there. */
export function edit(text: string, edits: readonly Edit[]): string {
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`The configuration has no ${JSON.stringify(from)} to replace`);
    text = text.replaceAll(from, to);
  }
  const left = /10\.0\.0\.\d+:8000/.exec(text);
  if (left !== null) throw new Error(`The configuration has ${left[0]}, which nothing stands for here`);
  return text;
}
