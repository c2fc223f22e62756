import { existsSync, readFileSync } from "node:fs";
import { quoted } from "../error-message.ts";
import type { SecretFiles } from "../settings/environment.ts";

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
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
  } catch (error) {
    const { code } = error as { code?: string };
    throw new RangeError(`${source}: cannot read ${quoted(path)}: ${code ?? "not a file"}`);
  }
}
