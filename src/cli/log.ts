import process from "node:process";
import { inspect } from "node:util";
import { whenReady } from "../async/awaitable.ts";
import type { Handler } from "../http/handler.ts";
import type { Settings } from "../settings/settings.ts";

/** The methods of `console` before {@linkcode setUpLog} replaces them. */
const WRITE = { log: console.log, error: console.error } as const;

/**
 * Writes the lines of `console` in `format`, without colours. Lets the process go on when they cannot be
 * written: the terminal or the reader has gone, or the disk with the log is full. Node then has an event, and
 * on Deno `console` throws.
 */
export function setUpLog(format: Settings["log"]): void {
  for (const name of ["log", "error"] as const) {
    process[name === "log" ? "stdout" : "stderr"].on("error", () => {});
    console[name] = (...parts: unknown[]) => {
      const text = parts.map((part) => (typeof part === "string" ? part : inspect(part))).join(" ");
      if (format === "text") return write(name, text);
      const [, warning, message] = /^(?:playcount: )?(warning: )?([^]*)$/.exec(text) ?? [];
      const level = name === "log" ? "info" : "error";
      write(name, jsonLine(warning === undefined ? level : "warning", { message }));
    };
  }
}

/**
 * Returns a handler that also logs each request, with its status and the milliseconds until its answer began.
 * No line has a client's address or a header.
 */
export function logRequests(handler: Handler, format: Settings["log"]): Handler {
  return (request) => {
    const startedAt = performance.now();
    return whenReady(handler(request), (response) => {
      const ms = Number((performance.now() - startedAt).toFixed(2));
      const { method } = request;
      const { status } = response;
      const path = pathOf(request.url);
      const text = `playcount: ${method} ${path} ${status} ${ms} ms`;
      write("log", format === "text" ? text : jsonLine("info", { method, path, status, ms }));
      return response;
    });
  };
}

/** Returns path and query of a URL, which may be relative, in printable ASCII. */
function pathOf(url: string): string {
  return url.replace(/^[a-z+]+:\/\/[^/]*/, "").replace(/[^!-~]/gu, (letter) => encodeURIComponent(letter));
}

function jsonLine(level: string, fields: Record<string, unknown>): string {
  return JSON.stringify({ time: new Date().toISOString(), level, ...fields });
}

function write(name: "log" | "error", text: string): void {
  try {
    WRITE[name](text);
  } catch {
    // The line is lost, not the server.
  }
}
