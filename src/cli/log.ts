import process from "node:process";
import { inspect } from "node:util";

/** A format of the log: lines of text, or an object of JSON a line. */
export type LogFormat = "text" | "json";

/** The methods of `console` before {@linkcode setUpLog} replaces them. */
const WRITE = { log: console.log, error: console.error } as const;

/**
 * Writes the lines of `console` in `format`, without colours. Lets the process go on when they cannot be
 * written: the terminal or the reader has gone, or the disk with the log is full. Node then has an event, and
 * on Deno `console` throws.
 */
export function setUpLog(format: LogFormat): void {
  for (const name of ["log", "error"] as const) {
    process[name === "log" ? "stdout" : "stderr"].on("error", () => {});
    console[name] = (...parts: unknown[]) => {
      const text = parts.map((part) => (typeof part === "string" ? part : inspect(part))).join(" ");
      write(name, format === "json" ? jsonOf(name, text) : text);
    };
  }
}

/** Writes a line to standard output as it is, unless that fails. */
export function writeLine(line: string): void {
  write("log", line);
}

function write(name: "log" | "error", text: string): void {
  try {
    WRITE[name](text);
  } catch {
    // The line is lost, not the server.
  }
}

function jsonOf(name: "log" | "error", text: string): string {
  const [, warning, message] = /^(?:playcount: )?(warning: )?([^]*)$/.exec(text) ?? [];
  const level = warning === undefined ? (name === "log" ? "info" : "error") : "warning";
  return JSON.stringify({ time: new Date().toISOString(), level, message });
}
