import process from "node:process";

/** Exit status for a command line or a setting that was not understood. */
export const BAD_USAGE = 2;
/** Exit status for a command that was understood and failed. */
export const FAILED = 1;

/** Writes one line to stderr and ends the process. */
export function exit(status: number, message: string): never {
  console.error(`playcount: ${message}`);
  process.exit(status);
}
