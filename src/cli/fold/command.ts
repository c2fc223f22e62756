import process from "node:process";
import { delay } from "../../async/timing.ts";
import { CountServerError } from "../../client/count-server-error.ts";
import type { CountClientOptions } from "../../client/options.ts";
import { ServerClient } from "../../client/server-client.ts";
import { errorMessage, quotedAddress } from "../../error-message.ts";
import { CountServers, PATIENT } from "../../fold/count-servers.ts";
import { type HandedOver, handOverEach, type JobOptions, preview } from "../../fold/job.ts";
import { describeSqlError, type SqlError } from "../../fold/sql/client.ts";
import type { Database } from "../../fold/sql/database.ts";
import { JobRefusal, OtherJob, type SetAside, type Target } from "../../fold/target.ts";
import { BAD_USAGE, FAILED } from "../exit.ts";
import type { Destination, FoldSettings } from "./arguments.ts";
import { checkHosts, databaseFor, openTarget } from "./connect.ts";
import { amount, Report } from "./report.ts";

/** Exit status after songs were set aside for the first time, or dropped. */
const SET_ASIDE = 3;

/** Statuses of answers to a wrong token or URL: a server that is not a play counter may answer 200. */
const MISTAKES = [200, 401, 403, 404, 405];

/** Runs `playcount fold`, and exits the process. */
export async function fold(settings: FoldSettings): Promise<never> {
  if (settings.mode.startsWith("print")) process.exit(await print(settings));
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => (stopping.signal.aborted ? process.exit(FAILED) : stopping.abort()));
  const { every } = settings;
  let next = performance.now();
  const status = await run(settings, stopping.signal);
  if (every === undefined || status === BAD_USAGE) process.exit(status);
  for (; ; await run(settings, stopping.signal)) {
    const now = performance.now();
    next = Math.max(next + every * 1000, now);
    await delay(next - now, stopping.signal).catch(() => process.exit(0));
  }
}

/** Prints statements, without a server. */
async function print(settings: FoldSettings): Promise<number> {
  let database: Database | undefined;
  try {
    database = databaseFor(settings);
    await database.readColumns();
    console.log(`${settings.mode === "print SQL" ? database.page : database.schema.join(";\n")};`);
    return 0;
  } catch (error) {
    console.error(`playcount: ${describe(error, settings.into)}`);
    return error instanceof RangeError ? BAD_USAGE : FAILED;
  } finally {
    await database?.client.close({ timeout: 0 });
  }
}

/** Hands over what an earlier run has begun, and what was counted since. Returns the exit status. */
async function run(settings: FoldSettings, signal: AbortSignal): Promise<number> {
  const report = new Report(process.stderr);
  const log = (line: string) => report.note(`playcount: ${line}`);
  let target: Target | undefined;
  try {
    await checkHosts(settings);
    const serverOptions = { ...PATIENT, fetch: fetchAndNote(log, signal) };
    target = openTarget(settings, serverOptions, signal, log);
    const client = new ServerClient({ ...serverOptions, token: settings.token });
    const options: JobOptions = {
      target,
      counters: new CountServers({ client, servers: settings.from, signal, log }),
      ...{ adopt: settings.adopt, skip: settings.skip },
      onProgress: (progress) => report.update(progress),
    };
    return await runEach(settings, options, () => report.end());
  } catch (error) {
    const { status, line } = outcomeOf(error, signal, settings);
    log(line);
    return status;
  } finally {
    await target?.close?.();
  }
}

async function runEach(settings: FoldSettings, options: JobOptions, end: () => void): Promise<number> {
  const isTrial = settings.mode === "dry run";
  let status = 0;
  let startedAt = performance.now();
  for await (const done of isTrial ? [preview(options)] : handOverEach(options)) {
    end();
    console.log(lineOf(done, isTrial, (performance.now() - startedAt) / 1000, settings));
    if (done.setAside.isNew && !isTrial) status = SET_ASIDE;
    startedAt = performance.now();
  }
  return status;
}

/** Returns a `fetch` that logs each server once that does not answer: retries take a while. */
function fetchAndNote(
  log: (line: string) => void,
  signal: AbortSignal,
): NonNullable<CountClientOptions["fetch"]> {
  const silent = new Set<string>();
  return async (url, init) => {
    try {
      return await fetch(url, init);
    } catch (error) {
      const { origin } = new URL(url);
      if (!signal.aborted && !silent.has(origin))
        log(`${origin} does not answer; it is asked up to ${PATIENT.retries} times more`);
      silent.add(origin);
      throw error;
    }
  };
}

function lineOf(done: HandedOver, isTrial: boolean, seconds: number, { into }: FoldSettings): string {
  const { fold, songs, plays, setAside } = done;
  const what = `${amount(plays, "play")} of ${amount(songs, "song")}`;
  const line = isTrial
    ? `would hand over ${what}; the last fold is ${fold}`
    : `handed over ${what} as fold ${fold} in ${seconds.toFixed(1)} s`;
  if (setAside.songs === 0) return line;
  const examples = setAside.examples.map((id) => JSON.stringify(id)).join(", ");
  const which = "servers" in into ? "refused song" : "unknown song";
  return `${line}; ${amount(setAside.plays, "play")} of ${amount(setAside.songs, which)} ${useOf(setAside)}, such as ${examples}`;
}

function useOf({ songs, kept }: SetAside): string {
  const place = "kept in playcount_unknown";
  if (kept === songs) return place;
  return kept === 0 ? "dropped" : `dropped, but for ${amount(kept, "song")} ${place}`;
}

function outcomeOf(
  error: unknown,
  signal: AbortSignal,
  { every, into }: FoldSettings,
): { status: number; line: string } {
  if (error instanceof OtherJob) return { status: 0, line: error.message };
  if (signal.aborted)
    return { status: every === undefined ? FAILED : 0, line: "stopped by a signal; nothing is lost" };
  if (error instanceof RangeError) return { status: BAD_USAGE, line: errorMessage(error) };
  if (error instanceof JobRefusal) return { status: FAILED, line: error.message };
  const isMistake = error instanceof CountServerError && MISTAKES.includes(error.status ?? 0);
  const advice = `nothing is lost${isMistake ? "" : ": run it again"}`;
  return { status: isMistake ? BAD_USAGE : FAILED, line: `${describe(error, into)}; ${advice}` };
}

/** Adds the host to an error of a connection, which does not name it. */
function describe(error: unknown, into: Destination): string {
  const isConnection = /^ERR_\w+_CONNECTION/.test(String((error as SqlError).code));
  const where = isConnection && "database" in into ? `${quotedAddress(into.database)}: ` : "";
  return where + describeSqlError(error);
}
