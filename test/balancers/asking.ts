import { Connection, isWhole } from "../support/connection.ts";
import { HOST } from "./configuration.ts";

/** A response. `undefined` stands for a connection that was closed instead. */
export interface BalancerAnswer {
  status: number;
  /** Status line and headers. */
  head: string;
  body: string;
}

/** Returns the bytes of a request. An HTTP client would normalize its path, and might retry it. */
export function request(line: string, headers: readonly string[] = [], body?: string): string {
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  return [`${line} HTTP/1.1`, `Host: ${HOST}`, ...headers, ...length, "", body ?? ""].join("\r\n");
}

/** Sends a request over a connection, and reads the response. */
export async function ask(connection: Connection, sent: string): Promise<BalancerAnswer | undefined> {
  connection.send(sent);
  const isHead = /^(?:HEAD|OPTIONS) /.test(sent); // without a response body
  return parse(await connection.read((text) => (isHead ? text.includes("\r\n\r\n") : isWhole(text))));
}

/** Sends a request over a connection of its own. */
export async function askOnce(url: string, sent: string): Promise<BalancerAnswer | undefined> {
  const connection = await Connection.to(url);
  try {
    return await ask(connection, sent);
  } finally {
    connection.destroy();
  }
}

function parse(text: string | false): BalancerAnswer | undefined {
  if (text === false) return undefined;
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: text.slice(end + 4) };
}
