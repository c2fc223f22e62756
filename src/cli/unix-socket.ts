import { once } from "node:events";
import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";

/**
 * Removes the Unix socket at `path` if no process listens on it, as a killed server leaves it. Any other file
 * stays. Not guaranteed: of two servers that start at the same moment, one may remove that of the other.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const socket = connect(path);
  const isStale = await once(socket, "connect").then(
    () => false,
    (error) => (error as { code?: string }).code === "ECONNREFUSED",
  );
  socket.destroy();
  if (isStale) unlinkSync(path);
}

/** Calls `listen`, and lets the Unix socket that it makes at once have `mode`, in octal, from the start. */
export function withSocketMode<T>(mode: string, listen: () => T): T {
  const before = process.umask(0o777 & ~Number.parseInt(mode, 8));
  try {
    return listen();
  } finally {
    process.umask(before);
  }
}
