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
