import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { quoted } from "../error-message.ts";
import type { SecretFiles } from "../settings/environment.ts";

/** The part of a file that is read. A first line that does not end in it is too long for any secret. */
const MAX_BYTES = 65_536;

/** The files of this machine. */
export const SECRET_FILES: SecretFiles = { read: readSecretFile, exists: existsSync };

/**
 * Returns the first line of a file, trimmed.
 *
 * @throws {RangeError} if the file cannot be read, or if its first line is blank: without a secret the server
 * would be open. The message begins with `source`, the flag that names the file.
 */
export function readSecretFile(path: string, source: string): string {
  const secret = readFirstLine(path, source);
  if (secret === "") throw new RangeError(`${source}: the first line of ${quoted(path)} is blank`);
  return secret;
}

function readFirstLine(path: string, source: string): string {
  try {
    return readBeginning(path).split("\n", 1)[0]?.trim() ?? "";
  } catch (error) {
    const { code } = error as { code?: string };
    throw new RangeError(`${source}: cannot read ${quoted(path)}: ${code ?? "not a file"}`);
  }
}

/** Reads until a line ends. A pipe yields its text in pieces, and a device may have no end. */
function readBeginning(path: string): string {
  const bytes = Buffer.alloc(MAX_BYTES);
  const file = openSync(path, "r");
  try {
    let length = 0;
    while (length < MAX_BYTES && !bytes.subarray(0, length).includes("\n")) {
      const more = readSync(file, bytes, length, MAX_BYTES - length, null);
      if (more === 0) break;
      length += more;
    }
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
