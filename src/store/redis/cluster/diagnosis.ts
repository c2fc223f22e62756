import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { ErrorReply, refusalOf } from "./failures.ts";
import type { ConnectionOptions } from "./options.ts";
import { hostOf } from "./slots.ts";

/** The begin of an answer, or the code of a failure. */
type Found = { answer?: string; code?: string };

const [TIMEOUT, CLOSED] = ["TIMEOUT", "ECONNRESET"];

/** Failures by their codes. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name does not resolve",
  EAI_AGAIN: "its name cannot be resolved at present",
  ECONNREFUSED: "it refuses connections: no server listens there",
  EHOSTUNREACH: "no route leads to it",
  ENETUNREACH: "no route leads to it",
};

/**
 * Returns the reason why no connection to a server can be opened. Opens connections of its own, because Bun's
 * client reports every failure as a closed connection.
 */
export async function diagnose(address: string, options: ConnectionOptions): Promise<string> {
  const { isEncrypted, timeout } = options;
  const { answer, code = "" } = await ask(address, options, true);
  if (answer !== undefined) return meaningOf(answer);
  if (MEANINGS[code] !== undefined) return MEANINGS[code];
  if (code !== TIMEOUT && code !== CLOSED && !code.startsWith("ERR_SSL"))
    return isEncrypted
      ? `its certificate is not trusted (${code}): name your own in NODE_EXTRA_CA_CERTS`
      : `it cannot be reached (${code})`;
  const opposite = { ...options, isEncrypted: !isEncrypted, user: "", password: "" };
  const other = await ask(address, opposite, false);
  if (isReply(other.answer))
    return isEncrypted
      ? "it does not use TLS: name it with redis://"
      : "it requires TLS: name it with rediss://";
  if (code === TIMEOUT) return `it does not answer within ${timeout} milliseconds`;
  return other.answer === undefined ? "it closes each connection" : NOT_REDIS;
}

const NOT_REDIS = "another service listens there, not Redis";

function meaningOf(answer: string): string {
  if (!isReply(answer)) return NOT_REDIS;
  const [line = ""] = answer.split("\r\n");
  if (line.startsWith("+")) return "it closed the connection";
  const error = new ErrorReply(line.slice(1));
  return refusalOf(error) ?? `it answers ${error.message}`;
}

function isReply(answer: string | undefined): boolean {
  return /^[+-][A-Z]+\b/.test(answer ?? "");
}

/**
 * Sends the credentials, if any, and a `PING`. Those need a server whose certificate is checked. Returns the
 * begin of the answer, or the code of a failure.
 */
async function ask(
  address: string,
  { isEncrypted, user, password, timeout }: ConnectionOptions,
  rejectUnauthorized: boolean,
): Promise<Found> {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const host = hostOf(address).replace(/[[\]]/g, "");
  const { promise: found, resolve } = Promise.withResolvers<Found>();
  const socket = isEncrypted ? connectTls({ host, port, rejectUnauthorized }) : connect(port, host);
  const timer = setTimeout(() => resolve({ code: TIMEOUT }), timeout);
  socket.once(isEncrypted ? "secureConnect" : "connect", () => {
    const credentials = user === "" ? [password] : [user, password];
    if (password !== "" || user !== "") socket.write(command("AUTH", ...credentials));
    socket.write(command("PING"));
  });
  socket.once("data", (data) => resolve({ answer: data.toString("latin1").slice(0, 200) }));
  socket.once("error", ({ code = CLOSED }: NodeJS.ErrnoException) => resolve({ code }));
  socket.once("close", () => resolve({ code: CLOSED }));
  try {
    return await found;
  } finally {
    clearTimeout(timer);
    socket.on("error", () => {});
    socket.destroy();
  }
}

/** Encodes a command as Redis reads it. */
function command(...words: string[]): string {
  const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]);
  return [`*${words.length}`, ...parts, ""].join("\r\n");
}
