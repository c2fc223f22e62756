import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import process from "node:process";
import { urlOf } from "../adapters/server.ts";
import { errorMessage } from "../error-message.ts";
import { socketOf } from "../settings/hosts.ts";
import type { Settings } from "../settings/settings.ts";
import { exit, FAILED } from "./exit.ts";

const TIMEOUT_SECONDS = 4; // shorter than the timeout of the container image, so that the reason is printed

/** For each address that stands for all interfaces: the address at which this machine reaches the server. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Requests `/health`, and exits the process: with 0 if the server that the settings describe is healthy,
 * otherwise with 1 and a reason.
 *
 * Does not use `fetch`, which sends requests through a proxy that the environment names, even to this
 * machine.
 */
export async function runHealthCheck({ host, port, basePath }: Settings): Promise<never> {
  const socket = socketOf(host);
  if (socket !== undefined && !("path" in socket)) exit(FAILED, `--health-check cannot reach ${host}`);
  if (port === 0 && socket === undefined)
    exit(FAILED, "--health-check needs the port of the server, which cannot be 0");
  const server = socket === undefined ? urlOf(LOOPBACK[host] ?? host, port) : "http://localhost";
  const url = `${server}${basePath}/health`;
  const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
  const request = get(url, { signal, socketPath: socket?.path });
  const [{ statusCode }] = (await once(request, "response").catch((error) => {
    const reason = signal.aborted ? `no answer in ${TIMEOUT_SECONDS} seconds` : errorMessage(error);
    exit(FAILED, `unhealthy: ${url}: ${reason}`);
  })) as [IncomingMessage];
  if (statusCode !== 200) exit(FAILED, `unhealthy: ${url} answers ${statusCode}`);
  process.exit(0);
}
