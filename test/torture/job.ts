import type { Random } from "../support/random.ts";
import type { Answer, Http } from "./http.ts";
import { readCounts } from "../support/counts.ts";
import type { World } from "./world.ts";

/** Folds that the job lets lie before it goes on with the oldest one. */
const MOST_SEALED = 3;

/**
 * The batch job: seals folds, adds them to the table, and acknowledges them; and looks after each kill
 * whether they are there.
 */
export class Job {
  readonly #world: World;
  readonly #random: Random;
  /** What is in the folds that were sealed, and in the two that were acknowledged last. */
  readonly #contents = new Map<number, string>();
  /** Those that are sealed and not acknowledged. */
  #sealed: number[] = [];
  #acknowledged: number[] = [];
  #newest = 0;
  /** What was asked for, and not answered yet. */
  #pending: { method: "PUT" | "DELETE"; fold: number } | undefined;
  /** Called as the job is about to seal or to acknowledge. */
  onChange: () => void = () => {};

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Looks whether all folds are as they were, and finishes what was under way. */
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

  /** Does the next thing; tells whether it was answered. */
  async step(http: Http): Promise<boolean> {
    if (this.#pending !== undefined) return false; // not without catching up
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

  /** Asks for a change; gives the answer if it was done. */
  async #change(http: Http, method: "PUT" | "DELETE", fold: number): Promise<Answer | undefined> {
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

  /** Reads a fold that was sealed: it is what it was. */
  async #look(http: Http, fold: number): Promise<boolean> {
    const answer = await http.ask("GET", `/folds/${fold}`);
    return answer !== undefined && this.#compare(fold, answer);
  }

  /** The order of songs may be another one after a start. */
  #compare(fold: number, { status, body }: Answer): boolean {
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
      this.#world.findings.push(`fold ${fold} was acknowledged and dropped, and is there: ${answer.status}`);
  }

  /** What is sealed and not acknowledged is known, but for what was under way. */
  #checkList(list: string): void {
    const known = this.#sealed;
    const { method, fold } = this.#pending ?? {};
    const other = method === "PUT" ? [...known, fold] : known.filter((sealed) => sealed !== fold);
    if (list !== known.join() && list !== other.join())
      this.#world.findings.push(`the folds are ${list}; they were ${known.join()}, or ${other.join()}`);
  }
}
