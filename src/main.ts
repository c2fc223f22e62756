#!/usr/bin/env node
import process from "node:process";
import { isMainThread, workerData } from "node:worker_threads";
import type { Command } from "./cli/command-line.ts";
import { BAD_USAGE, exit, FAILED } from "./cli/exit.ts";
import { errorMessage } from "./error-message.ts";

if (isMainThread) await main();
else await (await import("./cli/threads.ts")).runThread(workerData);

async function main(): Promise<void> {
  // Node 20 and 22 lack it.
  if (!("URLPattern" in globalThis))
    exit(FAILED, `needs Bun 1.4.5, Deno 2.9 or Node 24, or a newer one; this is Node ${process.version}`);
  const commandLine = await import("./cli/command-line.ts"); // not in other threads
  const command = readCommand(commandLine);
  switch (command.do) {
    case "help":
      return console.log(commandLine.help());
    case "version":
      return console.log(commandLine.versionLine());
    case "help with fold":
      return console.log((await import("./cli/fold/help.ts")).foldHelp());
    case "fold":
      return await (await import("./cli/fold/command.ts")).fold(command.settings);
    case "check health":
      return await (await import("./cli/health-check.ts")).runHealthCheck(command.settings);
    case "serve":
      return await (await import("./cli/serve.ts")).serve(command.settings, import.meta.url);
  }
}

function readCommand({ readCommandLine }: typeof import("./cli/command-line.ts")): Command {
  try {
    return readCommandLine(process.argv.slice(2), process.env);
  } catch (error) {
    exit(BAD_USAGE, errorMessage(error));
  }
}
