import process from "node:process";
import type { Startable } from "./server.ts";

/** How playcount is started on Bun with these options. */
export function playcount(...options: string[]): Startable["command"] {
  return (port) => [process.execPath, "src/main.ts", "--port", String(port), ...options];
}
