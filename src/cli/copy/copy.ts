import process from "node:process";
import { CountServerError } from "../../client/count-server-error.ts";
import type { CopySettings } from "./arguments.ts";
import { type Moved, moveCounts } from "./move-counts.ts";
import { inWords, Report } from "./report.ts";
import { errorMessage } from "../../error-message.ts";

const FAILED = 1;

/** Does what `playcount copy` is for, with `args` behind it, and ends the program. */
export async function copy(settings: CopySettings, args: readonly string[]): Promise<never> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => (stopping.signal.aborted ? process.exit(FAILED) : stopping.abort()));
  }
  const report = new Report(process.stderr);
  const startedAt = performance.now();
  try {
    const moved = await moveCounts(settings, stopping.signal, (progress) => report.tell(progress));
    report.end();
    console.log(summaryOf(settings, moved, (performance.now() - startedAt) / 1000));
    process.exit(0);
  } catch (error) {
    report.end();
    const reason = stopping.signal.aborted ? "stopped, as asked; nothing is lost" : errorMessage(error);
    console.error(`playcount: ${reason}; ${adviceFor(error, args)}`);
    process.exit(FAILED);
  }
}

function summaryOf({ from, to }: CopySettings, { songs, plays, fold }: Moved, seconds: number): string {
  const what = `moved ${inWords(plays, "play")} of ${inWords(songs, "song")}`;
  const [old, next] = [inWords(from.length, "server"), inWords(to.length, "server")];
  return `${what} from ${old} to ${next} in ${seconds.toFixed(1)} s
Once all clients have the new list, run it again for what they have played on the old servers.
A batch job that hands folds over goes on above fold ${fold}.`;
}

/** What to do after a failure: the same again, unless that would fail in the same way. */
function adviceFor(error: unknown, args: readonly string[]): string {
  if (error instanceof RangeError) return "give a higher number by --fold";
  if (error instanceof CountServerError && error.status === 422) return "see copy --help";
  return `to go on: ${["playcount copy", ...args.map(quote)].join(" ")}`;
}

/** As a shell takes it for one word. */
function quote(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
