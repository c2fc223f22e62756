import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;
let paths = 0;

/** A path that is not there yet, in a folder that tests may leave things in. */
export function newPath(name: string = ""): string {
  folder ??= mkdtempSync(join(tmpdir(), "playcount-faults-"));
  return join(folder, `${++paths}${name}`);
}

/** Removes that folder. */
export function removeWorkFolder(): void {
  if (folder !== undefined && existsSync(folder)) rmSync(folder, { recursive: true });
  folder = undefined;
}
