import { readFileSync } from "node:fs";

/** Returns what `pattern` captures in a file of /proc/self; `undefined` where the system has no such file. */
export function readOwnProcess(file: "limits" | "status", pattern: RegExp): string | undefined {
  try {
    return pattern.exec(readFileSync(`/proc/self/${file}`, "latin1"))?.[1];
  } catch {
    return undefined; // not Linux
  }
}
