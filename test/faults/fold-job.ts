import type { Random } from "../support/random.ts";
import { readCounts } from "../support/counts.ts";
import type { Outcome, PlayLedger } from "../support/play-ledger.ts";

/** The fold that a job is handing over. */
interface Outstanding {
  fold: number;
  /** Its content, if the server returned it. */
  plays: string | undefined;
  isAcknowledging: boolean;
}

/**
 * A job that hands plays over, fold by fold, as docs/hand-over.md has it, and goes on where it was when the
 * server is back.
 */
export class FoldJob {
  readonly #ledger: PlayLedger;
  readonly #random: Random;
  #fold = 0;
  #outstanding: Outstanding | undefined;

  constructor(ledger: PlayLedger, random: Random) {
    this.#ledger = ledger;
    this.#random = random;
  }

  /** Hands over until the server refuses or ends, or `isOver`. */
  async run(url: string, isOver: () => boolean = () => false): Promise<void> {
    while (!isOver() && (await this.#handOver(url))) await Bun.sleep(this.#random.below(20));
  }

  /** Finds out the outcome of the outstanding fold. */
  async resume(url: string): Promise<void> {
    const listed = await (await fetch(`${url}folds`)).text();
    const { fold, plays, isAcknowledging } = this.#outstanding ?? {};
    if (listed !== "" && listed !== String(fold)) this.#ledger.fault(`folds ${listed} exist after ${fold}`);
    if (this.#outstanding === undefined) return;
    if (listed !== "") {
      const now = await (await fetch(`${url}folds/${fold}`)).text();
      if (plays !== undefined && !isSame(now, plays)) this.#ledger.fault(`fold ${fold} has changed`);
      this.#outstanding.plays = now;
      this.#outstanding.isAcknowledging = false;
    } else {
      if (isAcknowledging === true) this.#ledger.deliver(readCounts(plays ?? ""));
      else if (plays !== undefined) this.#ledger.fault(`lost: fold ${fold}`);
      this.#outstanding = undefined;
    }
  }

  /** Seals a fold if none is outstanding, and acknowledges it. Returns true if both succeeded. */
  async #handOver(url: string): Promise<boolean> {
    const at = (this.#outstanding ??= { fold: ++this.#fold, plays: undefined, isAcknowledging: false });
    if (at.plays === undefined) {
      const { outcome, text } = await this.#ask(url, "PUT", at.fold);
      if (outcome === "refused") this.#outstanding = undefined;
      if (outcome !== "counted") return false;
      at.plays = text;
    }
    at.isAcknowledging = true;
    const { outcome } = await this.#ask(url, "DELETE", at.fold);
    if (outcome === "refused") at.isAcknowledging = false;
    if (outcome !== "counted") return false;
    this.#ledger.deliver(readCounts(at.plays));
    this.#outstanding = undefined;
    return true;
  }

  async #ask(url: string, method: string, fold: number): Promise<{ outcome: Outcome; text: string }> {
    const answer = await fetch(`${url}folds/${fold}`, { method }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    // A truncated reply shows that the fold was sealed, but not its content.
    if (answer?.ok && text === undefined) return { outcome: "unknown", text: "" };
    return { outcome: this.#ledger.judge(answer, text ?? ""), text: text ?? "" };
  }
}

function isSame(one: string, other: string): boolean {
  return Bun.deepEquals(readCounts(one), readCounts(other));
}
