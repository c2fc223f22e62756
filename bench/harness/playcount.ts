import process from "node:process";
import type { Startable } from "./server.ts";

/** Returns the command that starts playcount on Bun with `options`. */
export function playcount(...options: string[]): Startable["command"] {
  return (port) => [process.execPath, "src/main.ts", "--port", String(port), ...options];
}
