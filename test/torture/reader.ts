import type { Random } from "../support/random.ts";
import type { Http } from "./http.ts";
import type { World } from "./world.ts";

/** A page that shows a song's plays: the row of the table, and the count since. */
export class Reader {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Reads a song. Its plays were sent, include all acknowledged before, and must never be fewer later. */
  async look(http: Http): Promise<boolean> {
    const { ledger, table, findings, happened } = this.#world;
    if (ledger.ids.length === 0) return true;
    const id = this.#random.pick(ledger.ids);
    const [row, done, least] = [table.playsOf(id), table.done, ledger.least(id)];
    const answer = await http.ask("GET", `/song/${id}?after=${done}`);
    if (answer === undefined) return false;
    if (answer.status === 410 && table.done > done) return true; // two folds were acknowledged meanwhile
    const wrong =
      answer.status === 200 ? ledger.judge(id, row + Number(answer.body), least) : JSON.stringify(answer);
    if (wrong !== undefined) findings.push(`a page: ${wrong}`);
    ledger.see(id, row + Number(answer.body));
    happened.reads++;
    return true;
  }
}
