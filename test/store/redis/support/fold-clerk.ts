import type { Random } from "../../../support/random.ts";
import { readCounts } from "../../../support/counts.ts";
import type { PlayLedger } from "../../../support/play-ledger.ts";
import type { Table } from "../../../torture/table.ts";
import { inTime } from "./until.ts";

/** So long, in milliseconds, the job waits before it asks again. */
const PAUSE_MS = 20;

interface Options {
  ledger: PlayLedger;
  random: Random;
  urls: () => readonly string[];
  table: Table;
}

/** A job that hands plays over to a database, fold by fold, and asks again until it is told that it is done. */
export class FoldClerk {
  /** How many folds were handed over. */
  folds: number = 0;
  readonly #options: Options;
  #newest = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Hands over, again and again, until `isOver`. */
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
    // Two jobs may be at it, as one was believed dead, say.
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

  /** Asks until it is done; gives the text of the answer. */
  async #untilDone(method: string, fold: number): Promise<string> {
    const { ledger, random, urls } = this.#options;
    for (;;) {
      const init = { method, keepalive: false };
      const answer = await fetch(`${random.pick(urls())}folds/${fold}`, init).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined);
      // A list that broke off says that it was sealed, and not what is in there.
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
