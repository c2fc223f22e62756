import { join } from "node:path";
import { type Ended, type Listening, listen, RUNTIMES } from "../support/process.ts";

const main = join(import.meta.dir, "../../src/main.ts");

/** How playcount is started with its counts in a folder. */
function words(folder: string, options: readonly string[]): string[] {
  return [...RUNTIMES.bun, main, "--port", "0", "--data", folder, ...options];
}

/** Starts playcount with its counts in a folder. */
export function serve(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  ...options: string[]
): Promise<Listening> {
  return listen(words(folder, options), environment);
}

/** Starts playcount with its counts in a folder that it may refuse; tells how it ended if it did. */
export async function serveOrRefuse(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Listening | Ended> {
  return await serve(folder, environment).catch(
    ({ message }: Error) => JSON.parse(message.slice(message.indexOf("{"))) as Ended,
  );
}

/** Whether a program ended as one that refuses a folder: with one line, and status 1. */
export function isRefusal({ status, stdout, stderr }: Ended): boolean {
  return status === 1 && stdout === "" && /^playcount: [^\n]+\n$/.test(stderr);
}

/** Ends a server, by a signal. */
export async function end({ process, ended }: Listening, signal: "SIGTERM" | "SIGKILL"): Promise<Ended> {
  process.kill(signal);
  return await ended;
}

/** The status of a `GET`. */
export async function statusOf(url: string, path: string): Promise<number> {
  const answer = await fetch(url + path);
  await answer.arrayBuffer();
  return answer.status;
}
