import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { quoted } from "../error-message.ts";
import type { SecretFiles } from "../settings/environment.ts";

/** The part of a file that is read. A first line that does not end in it is too long for any secret. */
const MAX_BYTES = 65_536;

/** The files of this machine. A secret is the first line of a file, trimmed. */
export const SECRET_FILES: SecretFiles = {
  read(path, source) {
    const secret = readBeginning(path, source).split("\n", 1)[0]?.trim() ?? "";
    // Without a secret the server would be open.
    if (secret === "") throw new RangeError(`${source}: the first line of ${quoted(path)} is blank`);
    return secret;
  },
  exists: existsSync,
};

/** Reads until a line ends. A pipe yields its text in pieces, and a device may have no end. */
function readBeginning(path: string, source: string): string {
  const bytes = Buffer.alloc(MAX_BYTES);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    let length = 0;
    while (length < MAX_BYTES && !bytes.subarray(0, length).includes("\n")) {
      const more = readSync(file, bytes, length, MAX_BYTES - length, null);
      if (more === 0) break;
      length += more;
    }
    return bytes.toString("utf8", 0, length);
  } catch (error) {
    const { code = "not a file" } = error as { code?: string };
    throw new RangeError(`${source}: cannot read ${quoted(path)}: ${code}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
