import process from "node:process";
import { CountServerError } from "../../client/count-server-error.ts";
import type { CopySettings } from "./arguments.ts";
import { type Moved, moveCounts } from "./move-counts.ts";
import { amount, Report } from "./report.ts";
import { errorMessage } from "../../error-message.ts";
import { exit, FAILED } from "../exit.ts";

/** Runs `playcount copy` with the arguments `args`, and exits the process. */
export async function copy(settings: CopySettings, args: readonly string[]): Promise<never> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => (stopping.signal.aborted ? process.exit(FAILED) : stopping.abort()));
  }
  const report = new Report(process.stderr);
  const startedAt = performance.now();
  try {
    const moved = await moveCounts(settings, stopping.signal, report);
    report.end();
    console.log(summaryOf(settings, moved, (performance.now() - startedAt) / 1000));
    process.exit(0);
  } catch (error) {
    report.end();
    const reason = stopping.signal.aborted ? "stopped by a signal; no play is lost" : errorMessage(error);
    exit(FAILED, `${reason}; ${adviceFor(error, args)}`);
  }
}

function summaryOf({ from, to }: CopySettings, { songs, plays, fold }: Moved, seconds: number): string {
  const what = `moved ${amount(plays, "play")} of ${amount(songs, "song")}`;
  const [old, next] = [amount(from.length, "server"), amount(to.length, "server")];
  return `${what} from ${old} to ${next} in ${seconds.toFixed(1)} s
When all clients have the new list of servers, run it again, for the plays they have sent to the old ones.
A job that hands folds over must continue above fold ${fold}.`;
}

/** Returns what to do after a failure: the same command again, unless it would fail in the same way. */
function adviceFor(error: unknown, args: readonly string[]): string {
  if (error instanceof RangeError) return "give a higher number by --fold";
  if (error instanceof CountServerError && error.status === 422) return "see copy --help";
  return `to continue: ${["playcount copy", ...args.map(quote)].join(" ")}`;
}

/** Quotes a word for a shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
