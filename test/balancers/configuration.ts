import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import { Balancer, type Program } from "./balancer.ts";

/** The setups of `docs/deploy`: songs spread over servers, or servers that share a store. */
export type Setup = "spread" | "shared";

/** The host name of the configurations. */
export const HOST = "plays.example.com";

/** The response timeout of an impatient balancer, instead of the 30 seconds of the configurations. */
export const PATIENCE_SECONDS = 1;

/** A replacement in a configuration. */
export type Edit = readonly [from: string, to: string];

/** Replacements of addresses and of settings that depend on the machine. */
const EDITS: Readonly<Record<Program, { own: (port: number) => Edit[]; patience: Edit }>> = {
  nginx: {
    own: (port) => [["listen 80;", `listen 127.0.0.1:${port};`]],
    patience: ["proxy_read_timeout 30s;", `proxy_read_timeout ${PATIENCE_SECONDS}s;`],
  },
  haproxy: {
    own: (port) => [
      ["bind :80\n", `bind 127.0.0.1:${port}\n`],
      ["abns@playcount", `abns@playcount-${port}`], // unique on the machine
      ["    user haproxy\n    group haproxy\n", ""], // only root can change the user
    ],
    patience: ["timeout server 30s", `timeout server ${PATIENCE_SECONDS}s`],
  },
};

/** Starts a balancer for `servers` with a configuration of `docs/deploy`, in which only addresses change. */
export async function balance(
  program: Program,
  setup: Setup,
  servers: readonly string[],
  edits: readonly Edit[] = [],
): Promise<Balancer> {
  const port = await freePort();
  const addresses = servers.map((url, at): Edit => [`10.0.0.${at + 1}:8000`, new URL(url).host]);
  const all = [...edits, ...EDITS[program].own(port), ...addresses];
  return await Balancer.start(program, port, edit(read(program, setup), all));
}

/** Returns the edit that gives a balancer a short response timeout. */
export function impatient(program: Program): Edit {
  return EDITS[program].patience;
}

/** Reads a configuration of `docs/deploy`. */
export function read(program: Program, setup: Setup): string {
  const name = `${program}-${setup}.${program === "nginx" ? "conf" : "cfg"}`;
  return readFileSync(join(import.meta.dir, "../../docs/deploy", name), "utf8");
}

/** Applies edits. @throws {Error} if a text to replace is missing, or an example address is left. */
export function edit(text: string, edits: readonly Edit[]): string {
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`The configuration has no ${JSON.stringify(from)} to replace`);
    text = text.replaceAll(from, to);
  }
  const left = /10\.0\.0\.\d+:8000/.exec(text);
  if (left !== null) throw new Error(`The configuration has ${left[0]}, which nothing stands for here`);
  return text;
}
