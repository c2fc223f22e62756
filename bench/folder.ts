import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** A folder on the disk that this file is on, for a run; the system's folder for such things may be in memory. */
export function makeFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(import.meta.dirname, "data-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return { path, [Symbol.dispose]: remove };
}
