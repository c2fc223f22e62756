import { readCounts } from "../support/counts.ts";
import { Ledger } from "./ledger.ts";
import type { Http } from "./http.ts";
import { GROUPS } from "./plays.ts";
import { Table } from "./table.ts";

/** Wrong songs to report of a check: all may be wrong. */
const MOST_LINES = 10;

/** The state that survives kills: the ledger of the clients, and the job's table. */
export class World {
  readonly ledger: Ledger = new Ledger();
  readonly table: Table = new Table();
  /** Faults seen until now. */
  readonly findings: string[] = [];
  /** Numbers of events, for the report. */
  readonly happened = { reads: 0, seals: 0, acknowledgements: 0, retries: 0 };
  /** True while the program is stopping, and may refuse requests. */
  isStopping = false;

  /** Checks all counts while no request is under way, then accepts them as acknowledged. */
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
      if (totals.size > 1) wrong.push(`batch of ${group[0]}, …: counted in part (${[...totals].join(", ")})`);
    }
    if (wrong.length > MOST_LINES)
      wrong.splice(MOST_LINES, Infinity, `and ${wrong.length - MOST_LINES} more`);
    this.findings.push(...wrong);
    this.ledger.settle(totalOf);
  }
}
