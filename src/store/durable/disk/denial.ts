import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { errorMessage } from "../../../error-message.ts";

/** Codes of the errors of a file that this process may not write. */
const DENIED = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * Describes the owner of the first path, of a directory and its files, that this process may not read and
 * write; `undefined` if it may. SQLite reports the same error for such a path and for a failing disk.
 *
 * Opens the files, as Deno's `accessSync` ignores supplementary groups.
 */
export function describeDenial(folder: string): string | undefined {
  let found = folder;
  while (!existsSync(found)) found = dirname(found);
  return describeFolder(found) ?? (found === folder ? describeFiles(folder) : undefined);
}

function describeFolder(folder: string): string | undefined {
  const probe = join(folder, "playcount-probe");
  return describe(folder, () => {
    closeSync(openSync(probe, "w"));
    rmSync(probe);
    readdirSync(folder);
  });
}

function describeFiles(folder: string): string | undefined {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const denial = describe(path, () => closeSync(openSync(path, "r+")));
    if (denial !== undefined) return denial;
  }
  return undefined;
}

function describe(path: string, write: () => void): string | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (!DENIED.has(String((error as { code?: unknown }).code))) return undefined;
    const { uid, gid, mode } = statSync(path);
    const owner = `uid ${uid}, gid ${gid} (mode ${(mode & 0o7777).toString(8)})`;
    const user = `uid ${process.geteuid?.()}, gid ${process.getegid?.()}`;
    const reason = errorMessage(error).replace(/, \w+ '.*$/, ""); // the path is the probe's
    return `${reason}: ${path} belongs to ${owner}; this process runs as ${user}`;
  }
}
