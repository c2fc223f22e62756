import type { Random } from "../support/random.ts";
import type { HttpAnswer, Http } from "./http.ts";
import { readCounts } from "../support/counts.ts";
import type { World } from "./world.ts";

/** Sealed folds after which the job must acknowledge the oldest one. */
const MOST_SEALED = 3;

/**
 * Seals folds, adds them to the table and acknowledges them. After each kill it checks that they are
 * unchanged.
 */
export class Job {
  readonly #world: World;
  readonly #random: Random;
  /** Content of the sealed folds and of the two that were acknowledged last. */
  readonly #contents = new Map<number, string>();
  /** Folds that are sealed and not acknowledged. */
  #sealed: number[] = [];
  #acknowledged: number[] = [];
  #newest = 0;
  /** The request without a reply. */
  #pending: { method: "PUT" | "DELETE"; fold: number } | undefined;
  /** Called before each seal and acknowledgement. */
  onChange: () => void = () => {};

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Checks that all folds are unchanged, and retries the request under way. */
  async catchUp(http: Http): Promise<void> {
    const list = await http.ask("GET", "/folds");
    if (list === undefined) return;
    this.#checkList(list.body);
    for (const fold of this.#sealed) await this.#look(http, fold);
    const [last, older] = this.#acknowledged.toReversed();
    if (last !== undefined && this.#pending?.method !== "DELETE") await this.#look(http, last);
    if (older !== undefined) await this.#expectGone(http, older);
    const { method, fold } = this.#pending ?? {};
    if (fold !== undefined) await (method === "PUT" ? this.#seal(http, fold) : this.#acknowledge(http, fold));
  }

  /** Seals, reads or acknowledges a fold. Returns true if that succeeded. */
  async step(http: Http): Promise<boolean> {
    if (this.#pending !== undefined) return false; // it has to catch up first
    const [oldest] = this.#sealed;
    if (oldest === undefined || (this.#sealed.length < MOST_SEALED && this.#random.chance(0.3)))
      return await this.#seal(http, this.#newest + 1 + this.#random.below(3));
    if (!(await this.#look(http, oldest))) return false;
    this.#world.table.add(oldest, readCounts(this.#contents.get(oldest) ?? ""));
    return this.#random.chance(0.2) || (await this.#acknowledge(http, oldest));
  }

  async #seal(http: Http, fold: number): Promise<boolean> {
    const answer = await this.#change(http, "PUT", fold);
    if (answer === undefined) return false;
    this.#sealed.push(fold);
    this.#world.happened.seals++;
    return this.#compare(fold, answer);
  }

  async #acknowledge(http: Http, fold: number): Promise<boolean> {
    if ((await this.#change(http, "DELETE", fold)) === undefined) return false;
    this.#sealed.shift();
    this.#acknowledged = [...this.#acknowledged, fold].slice(-2);
    for (const old of this.#contents.keys())
      if (old < (this.#acknowledged[0] ?? 0)) this.#contents.delete(old);
    this.#world.happened.acknowledgements++;
    return true;
  }

  /** Sends a seal or an acknowledgement, and returns the reply if it succeeded. */
  async #change(http: Http, method: "PUT" | "DELETE", fold: number): Promise<HttpAnswer | undefined> {
    this.#pending = { method, fold };
    this.#newest = Math.max(this.#newest, fold);
    this.onChange();
    const answer = await http.ask(method, `/folds/${fold}`);
    if (answer === undefined) return undefined;
    this.#pending = undefined;
    if (answer.status === 200 || answer.status === 201) return answer;
    if (answer.status !== 503 || !this.#world.isStopping)
      this.#world.findings.push(`${method} /folds/${fold} was answered ${JSON.stringify(answer)}`);
    return undefined;
  }

  /** Reads a sealed fold, which must be unchanged. */
  async #look(http: Http, fold: number): Promise<boolean> {
    const answer = await http.ask("GET", `/folds/${fold}`);
    return answer !== undefined && this.#compare(fold, answer);
  }

  /** Compares without the order of songs, which a restart may change. */
  #compare(fold: number, { status, body }: HttpAnswer): boolean {
    const content = body.split(",").sort().join();
    const before = this.#contents.get(fold) ?? content;
    if (status < 300) this.#contents.set(fold, content);
    if (status < 300 && content === before) return true;
    const now = `${status}, ${body.length} bytes: ${body.slice(0, 80)}`;
    this.#world.findings.push(`fold ${fold} was ${before.length} bytes, and is now ${now}`);
    return false;
  }

  async #expectGone(http: Http, fold: number): Promise<void> {
    const answer = await http.ask("GET", `/folds/${fold}`);
    if (answer !== undefined && answer.status !== 410)
      this.#world.findings.push(`fold ${fold} was acknowledged and dropped, but exists: ${answer.status}`);
  }

  /** Checks the list of folds. A request under way may have been done or not. */
  #checkList(list: string): void {
    const known = this.#sealed;
    const { method, fold } = this.#pending ?? {};
    const other = method === "PUT" ? [...known, fold] : known.filter((sealed) => sealed !== fold);
    if (list !== known.join() && list !== other.join())
      this.#world.findings.push(`the folds are ${list}; they were ${known.join()}, or ${other.join()}`);
  }
}
