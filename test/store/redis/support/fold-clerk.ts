import type { Random } from "../../../support/random.ts";
import { readCounts } from "../../../support/counts.ts";
import type { PlayLedger } from "../../../support/play-ledger.ts";
import type { Table } from "../../../torture/table.ts";
import { inTime } from "./until.ts";

/** Delay of the job before a retry. */
const PAUSE_MS = 20;

interface Options {
  ledger: PlayLedger;
  random: Random;
  urls: () => readonly string[];
  table: Table;
}

/** A job that moves plays to a database, fold by fold, and retries each request until it succeeds. */
export class FoldClerk {
  /** Number of folds that were handed over. */
  folds: number = 0;
  readonly #options: Options;
  #newest = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Hands over folds until `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.handOver();
      await Bun.sleep(this.#options.random.below(30));
    }
  }

  /** Seals a fold, adds it to the database, and acknowledges it. */
  async handOver(): Promise<void> {
    const { ledger, random, table, urls } = this.#options;
    const fold = (this.#newest += 1 + random.below(3));
    // Two jobs may run at a time, as when the first was presumed dead.
    const jobs = random.chance(0.5) ? urls() : [random.pick(urls())];
    const sealed = await Promise.all(jobs.map(() => this.#ask("PUT", fold)));
    sealed.push(await this.#ask("GET", fold));
    const [first = new Map<string, number>(), ...others] = sealed.map(readCounts);
    for (const other of others)
      if (!Bun.deepEquals(first, other))
        ledger.fault(`fold ${fold} was ${inText(first)}, and then ${inText(other)}`);
    table.add(fold, first);
    await this.#ask("DELETE", fold);
    ledger.deliver(first);
    this.folds++;
  }

  async #ask(method: string, fold: number): Promise<string> {
    return await inTime(`${method} of fold ${fold} is done`, this.#untilDone(method, fold));
  }

  /** Retries until the request succeeds, and returns the text of the answer. */
  async #untilDone(method: string, fold: number): Promise<string> {
    const { ledger, random, urls } = this.#options;
    for (;;) {
      const init = { method, keepalive: false };
      const answer = await fetch(`${random.pick(urls())}folds/${fold}`, init).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined);
      // A truncated list means that the fold was sealed, and its content is still needed.
      if (answer?.ok && text === undefined) continue;
      const outcome = ledger.judge(answer, text ?? "");
      if (outcome === "counted") return text ?? "";
      if (outcome === "refused" && answer?.status !== 503)
        throw new Error(`${method} of fold ${fold} was refused: ${text}`);
      await Bun.sleep(PAUSE_MS);
    }
  }
}

function inText(counts: ReadonlyMap<string, number>): string {
  return Array.from(counts, (pair) => pair.join("="))
    .join()
    .slice(0, 200);
}
