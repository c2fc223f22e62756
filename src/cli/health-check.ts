import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import process from "node:process";
import { urlOf } from "../adapters/server.ts";
import type { Settings } from "../settings/settings.ts";
import { exit, FAILED } from "./exit.ts";

const SECONDS = 4; // less than the image's own --timeout, so that there is a line that says why

/** The address at which this machine reaches a server that listens on all of its addresses. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Ends the process: 0 if the server that the settings describe is healthy, otherwise 1 with a line that says why. */
export async function runHealthCheck(settings: Settings): Promise<never> {
  const failure = await checkHealth(settings);
  if (failure !== undefined) exit(FAILED, failure);
  process.exit(0);
}

/**
 * Asks the server that the settings describe for `/health`.
 *
 * Not by `fetch`: that asks a proxy if the environment names one, even for this machine itself.
 *
 * @returns why it is unhealthy, or `undefined` if it answers 200.
 */
async function checkHealth({
  host,
  port,
  basePath,
}: Pick<Settings, "host" | "port" | "basePath">): Promise<string | undefined> {
  if (port === 0) return "cannot check the health of a server on any free port: give its port";
  const url = `${urlOf(LOOPBACK[host] ?? host, port)}${basePath}/health`;
  const signal = AbortSignal.timeout(SECONDS * 1000);
  try {
    const [{ statusCode }] = (await once(get(url, { signal }), "response")) as [IncomingMessage];
    return statusCode === 200 ? undefined : `unhealthy: ${url} answers ${statusCode}`;
  } catch (error) {
    const reason = signal.aborted ? `no answer in ${SECONDS} seconds` : (error as Error).message;
    return `unhealthy: ${url}: ${reason}`;
  }
}
