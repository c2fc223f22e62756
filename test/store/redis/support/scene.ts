import { Random } from "../../../support/random.ts";
import { PlayLedger } from "../../../support/play-ledger.ts";
import { killAll, type Listening } from "../../../support/process.ts";
import { Table } from "../../../torture/table.ts";
import { stopAll } from "./clean-up.ts";
import { Crowd } from "./crowd.ts";
import { FoldClerk } from "./fold-clerk.ts";

/** Several servers with clients that play at any of them, and a batch job. */
export class Scene {
  readonly ledger: PlayLedger;
  readonly table: Table = new Table();
  readonly random: Random;
  readonly crowd: Crowd;
  readonly clerk: FoldClerk;
  servers: Listening[];

  constructor(
    name: string,
    servers: Listening[],
    mayLose: boolean = false,
    ledger: PlayLedger = new PlayLedger(),
  ) {
    this.servers = servers;
    this.ledger = ledger;
    this.random = new Random(name);
    const urls = () => this.servers.map(({ url }) => url);
    const { table } = this;
    this.crowd = new Crowd({ ledger, random: new Random(`${name}: crowd`), urls, table, mayLose });
    this.clerk = new FoldClerk({ ledger, random: new Random(`${name}: clerk`), urls, table });
  }

  /** The URL of a random server. */
  get url(): string {
    return this.random.pick(this.servers).url;
  }

  /** Runs the clients, and the job, while `act` runs. */
  async during(clients: number, hasClerk: boolean, act: () => Promise<unknown>): Promise<void> {
    let isOver = false;
    const all = [this.crowd.play(clients, () => isOver)];
    if (hasClerk) all.push(this.clerk.run(() => isOver));
    try {
      await Promise.race([act(), Promise.all(all)]);
    } finally {
      isOver = true;
    }
    await Promise.all(all);
  }

  /** Returns the faults that each of the servers shows. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    for (const { url } of this.servers) faults.push(...(await this.ledger.faults(url)));
    return faults;
  }

  /** Number of answers by each status that is not a success. */
  get troubles(): Record<number, number> {
    return Object.fromEntries([...this.ledger.answers].filter(([status]) => status >= 300 || status === 0));
  }
}

/** Stops everything that a test has started. */
export async function stopEverything(): Promise<void> {
  await killAll();
  await stopAll();
}
