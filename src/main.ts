#!/usr/bin/env bun
import process from "node:process";
import type { Serve, Server } from "./adapters/server.ts";
import { type Command, help, readCommandLine } from "./command-line.ts";
import type { Settings } from "./config.ts";
import { createHandler, type Handler } from "./handler.ts";
import { checkHealth } from "./health-check.ts";
import { ShardedStore } from "./store/sharded-store.ts";
import { VERSION } from "./version.ts";

const BAD_USAGE = 2;
const FAILED = 1;

const command = understand();
if (command.do === "help") console.log(help());
else if (command.do === "version") console.log(VERSION);
else if (command.do === "check health") await healthCheck(command.settings);
else await serve(command.settings);

function understand(): Command {
  try {
    return readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    exit(BAD_USAGE, messageOf(error));
  }
}

async function serve(settings: Settings): Promise<void> {
  const stopping = new AbortController();
  const handler = createHandler(new ShardedStore(settings), { ...settings, signal: stopping.signal });
  const server = await listen(handler, settings);

  async function stop(): Promise<void> {
    if (stopping.signal.aborted) exit(FAILED, "stopped at once, as asked twice");
    stopping.abort();
    await server.stop(settings.shutdownSeconds);
    process.exit(0);
  }
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // Only now: whoever waits for this line may stop the program as soon as it is there.
  console.log(`playcount ${VERSION} listens on ${server.url}${settings.basePath}/`);
}

async function listen(handler: Handler, { host, port }: Settings): Promise<Server> {
  const start = await adapter();
  try {
    return await start(handler, { host, port });
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isTaken = code === "EADDRINUSE" || name === "AddrInUse";
    exit(FAILED, `cannot listen on ${host}:${port}: ${isTaken ? "the port is taken" : messageOf(error)}`);
  }
}

/** The one for the runtime that this runs on; the others are not loaded. */
async function adapter(): Promise<Serve> {
  if ("Bun" in globalThis) return (await import("./adapters/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("./adapters/deno.ts")).serve;
  return (await import("./adapters/node.ts")).serve;
}

async function healthCheck(settings: Settings): Promise<void> {
  const ailment = await checkHealth(settings);
  if (ailment !== undefined) exit(FAILED, ailment);
  process.exit(0);
}

function exit(status: number, message: string): never {
  console.error(`playcount: ${message}`);
  process.exit(status);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
