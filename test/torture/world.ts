import { readCounts } from "../support/counts.ts";
import { Ledger } from "./ledger.ts";
import type { Http } from "./http.ts";
import { GROUPS } from "./plays.ts";
import { Table } from "./table.ts";

/** Lines of a finding; there may be as many songs that are wrong as there are songs. */
const MOST_LINES = 10;

/** What outlives the program: what its clients know, and the batch job's table. */
export class World {
  readonly ledger: Ledger = new Ledger();
  readonly table: Table = new Table();
  /** What was seen that must not be; empty if all is well. */
  readonly findings: string[] = [];
  /** What has happened, for the report. */
  readonly happened = { reads: 0, seals: 0, acknowledgements: 0, sentAgain: 0 };
  /** Whether the program was asked to stop, and may refuse. */
  isStopping = false;

  /** Looks at all counts while nothing is under way, and takes them as the truth from here on. */
  async check(http: Http): Promise<void> {
    const { done } = this.table;
    const answer = await http.ask("GET", `/?after=${done}`);
    if (answer?.status !== 200) {
      this.findings.push(`GET /?after=${done}: ${JSON.stringify(answer)}`);
      return;
    }
    const counts = readCounts(answer.body);
    const totalOf = (id: string) => this.table.playsOf(id) + (counts.get(id) ?? 0);
    const ids = new Set([...this.ledger.ids, ...counts.keys()]);
    const wrong = Array.from(ids, (id) => this.ledger.judge(id, totalOf(id))).filter(
      (text) => text !== undefined,
    );
    for (const group of GROUPS) {
      const totals = new Set(group.map(totalOf));
      if (totals.size > 1) wrong.push(`batch of ${group[0]}, …: a part of it (${[...totals].join(", ")})`);
    }
    if (wrong.length > MOST_LINES)
      wrong.splice(MOST_LINES, Infinity, `and ${wrong.length - MOST_LINES} more`);
    this.findings.push(...wrong);
    this.ledger.settle(totalOf);
  }
}
