import { connect } from "node:net";
import type { Subject } from "./subject.ts";

/** An answer as received from the connection. */
export interface WireAnswer {
  /** 0 if the connection was closed without an answer. */
  status: number;
  /** Header fields by their names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: string;
}

/**
 * Sends bytes to a subject, one byte a character, and reads until the subject closes the connection. Rejects
 * after a minute of silence, because no answer is no refusal. With `half`, the client's side is closed
 * after the last byte.
 */
export function send(subject: Subject, bytes: string, half = false): Promise<string> {
  const { hostname, port } = new URL(subject.origin);
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const finish = () => {
      socket.destroy();
      resolve(received);
    };
    socket.setTimeout(60_000, () => {
      socket.destroy();
      reject(new Error(`${subject.runtime} was silent for a minute after ${JSON.stringify(received)}`));
    });
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    socket.on("error", finish);
    socket.on("end", finish);
    socket.write(bytes, "latin1", () => half && socket.end());
  });
}

/** Sends one request with the head `lines` and `Connection: close`. */
export async function ask(subject: Subject, lines: readonly string[], body = ""): Promise<WireAnswer> {
  const head = [...lines, "Connection: close"].map((line) => `${line}\r\n`).join("");
  return parse(await send(subject, `${head}\r\n${body}`));
}

/** Parses an answer. Supports a chunked body of a single chunk. */
export function parse(received: string): WireAnswer {
  const [head = "", body = ""] = received.split(/\r\n\r\n(.*)/s);
  const [line = "", ...fields] = head.split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const [name = "", value = ""] = field.split(/:(.*)/s);
    return [name.toLowerCase(), value.trim()];
  });
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0),
    headers: new Map(headers),
    body: body.replace(/^[0-9a-f]+\r\n(.*)\r\n0\r\n\r\n$/s, "$1"),
  };
}
