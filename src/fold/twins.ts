import type { ServerAnswer } from "../client/answers.ts";
import { allEnded, type ServerClient } from "../client/server-client.ts";
import { JobRefusal } from "./target.ts";

/** A list of servers, and how to ask them. */
export interface ListedServers {
  client: ServerClient;
  servers: readonly string[];
  /** The flag with the list. */
  flag: "--from" | "--into";
  signal?: AbortSignal | undefined;
}

/** @throws {JobRefusal} if two URLs of a list have one store: entity tags begin with its name. */
export async function refuseTwins({ client, servers, flag, signal }: ListedServers): Promise<void> {
  if (servers.length < 2) return;
  const request = { method: "GET", path: "", signal };
  const names = await allEnded(servers.map((server) => client.send(server, request, readStoreName)));
  const firsts = names.map((name, at) => (name === undefined ? at : names.indexOf(name)));
  const twin = firsts.findIndex((first, at) => first !== at);
  if (twin === -1) return;
  throw new JobRefusal(
    `${servers[firsts[twin] as number]} and ${servers[twin]} have the same counts: they are one server, or share a Redis. List it once in ${flag}`,
  );
}

/** Returns the part of a list's entity tag that stays the same while the counts change. */
async function readStoreName({ response }: ServerAnswer): Promise<string | undefined> {
  await response.body?.cancel();
  return /^(?:W\/)?"(.+)-/.exec(response.headers.get("etag") ?? "")?.[1];
}
