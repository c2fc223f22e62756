import { existsSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import type { Again } from "./client.ts";
import { Crowd } from "./crowd.ts";
import { type Ended, Program } from "./program.ts";
import { type Round, SITUATIONS, STOPPED } from "./situations.ts";
import { World } from "./world.ts";

/** A round takes about a second. After this time it hangs. */
const ROUND_SECONDS = 180;

export interface Options {
  /** The folder for the counts, which need not exist. */
  folder: string;
  seed: number;
  /** Number of kills by SIGKILL. */
  kills: number;
  clients: number;
  /** Names of situations. Default: all. */
  situations?: readonly string[];
  /** A flaw that must be detected: see flaws.ts. */
  flaw?: Flaw;
  /** Called after each round. */
  onRound?: (report: Report) => void;
}

/** A cause of lost or doubled plays. */
export interface Flaw {
  /** Keeps counts in memory only. */
  inMemory?: boolean;
  again?: Again;
  /** Changes the folder after the program has ended for the `round`-th time. */
  spoil?: (folder: string, round: number) => void;
}

/** The result of a run. */
export interface Report {
  /** Faults, with their rounds. */
  findings: string[];
  /** Number of rounds, by situation. */
  rounds: Record<string, number>;
  kills: number;
  acknowledged: number;
  unknown: number;
  happened: World["happened"];
}

/** Kills the program repeatedly under load, until there is a finding or `kills` is reached. */
export async function torture(options: Options): Promise<Report> {
  const run = new Run(options);
  const situations = options.situations ?? Object.keys(SITUATIONS);
  while (run.report.kills < options.kills && run.report.findings.length === 0) {
    await run.round(run.random.pick(situations));
    options.onRound?.(run.report);
  }
  if (run.report.findings.length === 0) await run.round(STOPPED);
  if (run.report.findings.length === 0) await run.round(STOPPED);
  return run.report;
}

class Run {
  readonly #options: Options;
  readonly #world = new World();
  readonly #crowd: Crowd;
  readonly random: Random;
  #startMs = 100;
  #rounds = 0;
  readonly report: Report;

  constructor(options: Options) {
    const { clients, seed, flaw } = options;
    this.#options = options;
    this.#crowd = new Crowd(this.#world, clients, seed, flaw?.again ?? "under its key");
    this.random = new Random("kills", seed);
    const { happened } = this.#world;
    const { rounds, findings }: Pick<Report, "rounds" | "findings"> = { rounds: {}, findings: [] };
    this.report = { findings, rounds, kills: 0, acknowledged: 0, unknown: 0, happened };
  }

  /** Runs from a start of the program to its end. */
  async round(situation: string): Promise<void> {
    const { folder, flaw } = this.#options;
    const workers = 1 + this.random.below(2);
    this.#world.isStopping = false;
    this.#crowd.job.onChange = () => {};
    const program = new Program(flaw?.inMemory ? undefined : folder, workers);
    const watchdog = setTimeout(() => {
      this.#world.findings.push(`the round hangs after ${ROUND_SECONDS} seconds`);
      void program.kill();
    }, ROUND_SECONDS * 1000);
    const act = SITUATIONS[situation] as (typeof SITUATIONS)[string];
    try {
      this.#judge(situation, await act(this.#roundOf(program)));
    } catch (error) {
      this.#world.findings.push(error instanceof NotStarted ? error.message : String(error));
    } finally {
      clearTimeout(watchdog);
      await program.kill();
    }
    this.#rounds++;
    flaw?.spoil?.(folder, this.#rounds);
    this.#record(situation, workers);
  }

  #roundOf(program: Program): Round {
    const began = performance.now();
    const listening = async () => {
      const url = await program.listening;
      if (url === undefined)
        throw new NotStarted(`it does not start: ${JSON.stringify(await program.ended)}`);
      this.#startMs = performance.now() - began;
      return url;
    };
    const ready = async () => {
      const url = await listening();
      await this.#crowd.catchUp(url);
      await this.#crowd.check(url);
      return url;
    };
    const stop = () => {
      this.#world.isStopping = true;
      program.stop();
    };
    return {
      program,
      crowd: this.#crowd,
      random: this.random,
      startMs: this.#startMs,
      listening,
      ready,
      stop,
    };
  }

  /** Expects no line on stderr, and status 0 after a stop. */
  #judge(situation: string, { status, stderr }: Ended): void {
    const { findings } = this.#world;
    if (stderr !== "") findings.push(`it wrote ${stderr}`);
    if (situation !== STOPPED) {
      if (status !== null && status !== 0) findings.push(`it ended by itself, with status ${status}`);
      return;
    }
    if (status !== 0) findings.push(`it stopped with status ${status}`);
    const log = join(this.#options.folder, "playcount.db-wal");
    if (existsSync(log)) findings.push(`it has stopped, but ${log} exists`);
  }

  #record(situation: string, workers: number): void {
    const { report } = this;
    const { ledger, findings } = this.#world;
    if (situation !== STOPPED) report.kills++;
    report.rounds[situation] = (report.rounds[situation] ?? 0) + 1;
    report.acknowledged = ledger.acknowledged;
    report.unknown = ledger.unknown;
    const when = `round ${this.#rounds}, killed ${situation}, ${workers} workers: `;
    report.findings.push(...findings.splice(0).map((finding) => when + finding));
  }
}

class NotStarted extends Error {}
