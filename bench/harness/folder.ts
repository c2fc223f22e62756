import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * Makes a folder below `bench/`, removed on dispose and on exit. The system's temporary folder may be in
 * memory.
 */
export function makeFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(import.meta.dirname, "..", "data-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return { path, [Symbol.dispose]: remove };
}
