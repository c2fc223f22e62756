import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import process from "node:process";
import { urlOf } from "../adapters/server.ts";
import { socketOf } from "../settings/hosts.ts";
import { errorMessage } from "../error-message.ts";
import type { Settings } from "../settings/settings.ts";
import { exit, FAILED } from "./exit.ts";

const TIMEOUT_SECONDS = 4; // shorter than the timeout of the container image, so that the reason is printed

/** For each address that stands for all interfaces: the address at which this machine reaches the server. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Exits the process: with 0 if the server that the settings describe is healthy, otherwise with 1 and a
 * reason.
 */
export async function runHealthCheck(settings: Settings): Promise<never> {
  const failure = await checkHealth(settings);
  if (failure !== undefined) exit(FAILED, failure);
  process.exit(0);
}

/**
 * Requests `/health`, and returns the reason if the server is unhealthy.
 *
 * Does not use `fetch`, which sends requests through a proxy that the environment names, even to this
 * machine.
 */
async function checkHealth({ host, port, basePath }: Settings): Promise<string | undefined> {
  const socket = socketOf(host);
  if (socket !== undefined && !("path" in socket)) return `--health-check cannot reach ${host}`;
  if (port === 0 && socket === undefined)
    return "--health-check needs the port of the server, which cannot be 0";
  const server = socket === undefined ? urlOf(LOOPBACK[host] ?? host, port) : "http://localhost";
  const url = `${server}${basePath}/health`;
  const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
  try {
    const [{ statusCode }] = (await once(get(url, { signal, socketPath: socket?.path }), "response")) as [
      IncomingMessage,
    ];
    return statusCode === 200 ? undefined : `unhealthy: ${url} answers ${statusCode}`;
  } catch (error) {
    return `unhealthy: ${url}: ${signal.aborted ? `no answer in ${TIMEOUT_SECONDS} seconds` : errorMessage(error)}`;
  }
}
