import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { PlayLedger } from "../support/play-ledger.ts";
import { killAll, type Listening } from "../support/process.ts";
import { preload } from "./c-program.ts";
import { LoopDisk, removeDisks, testWithDisk } from "./disk.ts";
import { FoldJob } from "./fold-job.ts";
import { Players } from "./players.ts";
import { serve } from "./server.ts";

setDefaultTimeout(600_000);
afterEach(async () => {
  await killAll();
  removeDisks();
});

const MEGABYTE = 2 ** 20;
const CUTS = 50;
const FIRST_STARTS = 20;
const LONGEST_MS = 250;

/** A server on a disk whose power is cut, with players and a job. */
class Cutting {
  readonly disk: LoopDisk = new LoopDisk(64 * MEGABYTE);
  readonly ledger: PlayLedger = new PlayLedger();
  readonly #random: Random;
  readonly #players: Players;
  readonly #job: FoldJob;
  readonly #environment: Record<string, string>;

  constructor(random: Random, environment: Record<string, string> = {}) {
    this.#random = random;
    this.#players = new Players(this.ledger, random);
    this.#job = new FoldJob(this.ledger, random);
    this.#environment = environment;
  }

  /** Starts the server, checks its counts, and cuts the power under load. Returns the faults. */
  async round(): Promise<string[]> {
    const { url, process } = await this.#start();
    const faults = await this.#check(url);
    const playing = this.#players.play(url, 16 + this.#random.below(49));
    const handingOver = this.#random.chance(0.6) ? this.#job.run(url) : undefined;
    await Bun.sleep(this.#random.below(LONGEST_MS));
    if (this.#random.chance(0.15)) {
      process.kill("SIGTERM");
      await Bun.sleep(this.#random.below(20));
    }
    await this.#cut();
    await Promise.all([playing, handingOver]);
    return faults;
  }

  /** Cuts the power while the server starts. */
  async cutStart(): Promise<void> {
    const starting = this.#start().catch(() => undefined);
    await Bun.sleep(this.#random.below(LONGEST_MS / 2));
    await this.#cut();
    await starting;
  }

  /** Cuts the power while the server creates its file. */
  async cutFirstStart(): Promise<void> {
    const starting = this.#start().catch(() => undefined);
    while (!existsSync(join(this.disk.folder, "last-commit"))) await Bun.sleep(0);
    const until = performance.now() + this.#random.next() * 5;
    while (performance.now() < until);
    await this.#cut();
    await starting;
  }

  /** Starts the server once more, and returns the faults. */
  async end(): Promise<string[]> {
    return await this.#check((await this.#start()).url);
  }

  #start(): Promise<Listening> {
    const workers = this.#random.chance(0.3) ? ["--workers", "2"] : [];
    return serve(this.disk.folder, this.#environment, ...workers);
  }

  async #check(url: string): Promise<string[]> {
    this.ledger.isOff = false;
    await this.#players.retryKeyed(url);
    await this.#job.resume(url);
    return await this.ledger.faults(url);
  }

  /** A sync that ends during the cut may report success without effect, so these replies do not count. */
  async #cut(): Promise<void> {
    this.ledger.isOff = true;
    this.disk.cut(this.#random.below(2 ** 31));
    await killAll();
    this.disk.unmount();
    this.disk.mount();
  }
}

testWithDisk(
  "After a power cut at any moment no acknowledged play is lost, and none is counted twice",
  async () => {
    const random = new Random("power cuts");
    const cutting = new Cutting(random);
    for (let cut = 0; cut < CUTS; cut++) {
      if (random.chance(0.2)) await cutting.cutStart();
      expect(await cutting.round(), `before cut ${cut}`).toEqual([]);
    }
    expect(await cutting.end()).toEqual([]);
    expect(cutting.ledger.count(200)).toBeGreaterThan(CUTS);
  },
);

testWithDisk("After a power cut during its first start the server starts", async () => {
  const random = new Random("power cuts of first starts");
  const failed: unknown[] = [];
  for (let cut = 0; cut < FIRST_STARTS; cut++) {
    const cutting = new Cutting(random);
    await cutting.cutFirstStart();
    failed.push(...(await cutting.end().catch((error: unknown) => [error])));
    await killAll();
    removeDisks();
  }
  expect(failed).toEqual([]);
});

testWithDisk("The test detects losses: without syncs it finds some", async () => {
  const random = new Random("power cuts without syncing");
  const environment = { ...preload("faulty-disk.c"), NO_SYNC: "1" };
  const losses: unknown[] = [];
  for (let cut = 0; cut < 5; cut++) {
    const cutting = new Cutting(random, environment);
    await cutting.round();
    await cutting.round().catch(() => []);
    losses.push(...(await cutting.end().catch((error: unknown) => [error])));
  }
  expect(losses.filter((loss) => loss instanceof Error || /^lost/.test(String(loss)))).not.toBeEmpty();
});
