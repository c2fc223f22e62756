import { join } from "node:path";
import { type Ended, type Listening, listen, RUNTIMES } from "../support/process.ts";

const main = join(import.meta.dir, "../../src/main.ts");

/** Returns the command that starts playcount with its counts in a folder. */
function commandLine(folder: string, options: readonly string[]): string[] {
  return [...RUNTIMES.bun, main, "--port", "0", "--data", folder, ...options];
}

/** Starts playcount with its counts in a folder. */
export function serve(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  ...options: string[]
): Promise<Listening> {
  return listen(commandLine(folder, options), environment);
}

/** Starts playcount on a folder that it may refuse. Returns its end in that case. */
export async function serveOrRefuse(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Listening | Ended> {
  return await serve(folder, environment).catch(
    ({ message }: Error) => JSON.parse(message.slice(message.indexOf("{"))) as Ended,
  );
}

/** Returns true for the end of a program that refuses a folder: one line and status 1. */
export function isRefusal({ status, stdout, stderr }: Ended): boolean {
  return status === 1 && stdout === "" && /^playcount: [^\n]+\n$/.test(stderr);
}

/** Ends a server by a signal. */
export async function end({ process, ended }: Listening, signal: "SIGTERM" | "SIGKILL"): Promise<Ended> {
  process.kill(signal);
  return await ended;
}

/** Returns the status of a `GET`. */
export async function statusOf(url: string, path: string): Promise<number> {
  const answer = await fetch(url + path);
  await answer.arrayBuffer();
  return answer.status;
}
