import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;
let paths = 0;

/** Returns an unused path in the work folder of the tests. */
export function newPath(name: string = ""): string {
  folder ??= mkdtempSync(join(tmpdir(), "playcount-faults-"));
  return join(folder, `${++paths}${name}`);
}

/** Removes the work folder. */
export function removeWorkFolder(): void {
  if (folder !== undefined && existsSync(folder)) rmSync(folder, { recursive: true });
  folder = undefined;
}
