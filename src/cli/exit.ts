import process from "node:process";

/** Exit status for an invalid command line or setting. */
export const BAD_USAGE = 2;
/** Exit status for a valid command that failed. */
export const FAILED = 1;

/** Completes an error about a setting of which this runtime is not capable. */
export const BUN_ADVICE = "start the program by bun, or by bunx --bun playcount";

/** Writes one line to stderr and exits the process. */
export function exit(status: number, message: string): never {
  console.error(`playcount: ${message}`);
  process.exit(status);
}

/**
 * Lets the process go on when its output cannot be written: its terminal or its reader has gone, or the disk
 * with its log is full. Node then has an event, and on Deno `console` throws.
 */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  for (const name of ["log", "error"] as const) {
    const write = console[name];
    console[name] = (...line) => {
      try {
        write(...line);
      } catch {
        // The line is lost, not the server.
      }
    };
  }
}
