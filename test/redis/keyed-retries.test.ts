import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { type Play, PlayLedger } from "../support/play-ledger.ts";
import { batch, single } from "./support/crowd.ts";
import { error, type Fate, Interposer, mayCount } from "./support/interposer.ts";
import { endWell, healthy, serve } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// A request with a key takes several commands: it is begun, added and ended. Any of them may fail, and come late.

setDefaultTimeout(60_000);
afterEach(stopEverything);

const COMMANDS = [1, 2, 3];
const SONGS = ["one", "two", "three"];

/** A playcount, and what its commands go through. */
class Subject {
  readonly ledger: PlayLedger = new PlayLedger();
  readonly interposer: Interposer;
  readonly #server: Awaited<ReturnType<typeof serve>>;
  #requests = 0;

  private constructor(interposer: Interposer, server: Awaited<ReturnType<typeof serve>>) {
    this.interposer = interposer;
    this.#server = server;
  }

  static async start(): Promise<Subject> {
    const redis = await RedisServer.start();
    const interposer = await Interposer.start(redis.port);
    const server = await serve(interposer.url, "--shards", "16", "--store-timeout", "200");
    const subject = new Subject(interposer, server);
    // Scripts are known, and songs have room: there are no other commands from here on.
    for (const play of [single("one"), batch(SONGS)]) await subject.untilCounted(subject.keyed(play));
    return subject;
  }

  /** The next request of the writer. */
  keyed(play: Play): Play {
    return { ...play, key: `"writer:${++this.#requests}"` };
  }

  /** Sends a request of whose commands the `n`-th one has this fate; gives the status. */
  async attempt(play: Play, n: number, fate: Fate): Promise<number> {
    let commands = 0;
    this.interposer.fate = (words) => (mayCount(words) && ++commands === n ? fate : "well");
    const before = new Map(this.ledger.answers);
    await this.ledger.ask(this.#server.url, play);
    this.interposer.fate = () => "well";
    const [status = 0] =
      [...this.ledger.answers].find(([status, count]) => count !== (before.get(status) ?? 0)) ?? [];
    return status;
  }

  /** Sends a request again until it is counted, and notes that it is. */
  async untilCounted(play: Play): Promise<void> {
    while ((await this.ledger.ask(this.#server.url, play)).outcome !== "counted") await Bun.sleep(10);
    this.ledger.note(play.songs, "counted");
  }

  healthy(): Promise<void> {
    return healthy(this.#server.url);
  }

  faults(): Promise<string[]> {
    return this.ledger.faults(this.#server.url);
  }

  async end(): Promise<void> {
    await endWell([this.#server]);
  }
}

const FIRST: readonly Fate[] = ["close behind", "close before"];
const SECOND: readonly Fate[] = ["close behind", error("CLUSTERDOWN The cluster is down")];

testWithRedis("However two attempts of a request with a key fail, it is counted once", async () => {
  const subject = await Subject.start();
  for (const one of FIRST.flatMap((fate) => COMMANDS.map((n) => [n, fate] as const)))
    for (const other of SECOND.flatMap((fate) => COMMANDS.map((n) => [n, fate] as const)))
      for (const play of [single("one"), batch(SONGS)].map((play) => subject.keyed(play))) {
        const statuses: number[] = [];
        for (const [n, fate] of [one, other]) {
          statuses.push(await subject.attempt(play, n, fate));
          await subject.healthy();
        }
        await subject.untilCounted(play);
        const what = `${play.path} failed as ${JSON.stringify([one, other])}: ${statuses.join()}`;
        expect(await subject.faults(), what).toEqual([]);
      }
  await subject.end();
});

testWithRedis("A command that comes late, when the writer has gone on, changes nothing", async () => {
  const subject = await Subject.start();
  for (const n of COMMANDS)
    for (const play of [single("one"), batch(SONGS)]) {
      const late = subject.keyed(play);
      await subject.attempt(late, n, "late");
      await subject.untilCounted(late);
      await subject.untilCounted(subject.keyed(play));
      expect(await subject.interposer.passOn()).toBe(1);
      expect(await subject.faults(), `command ${n} of ${play.path} was late`).toEqual([]);
      await subject.untilCounted(subject.keyed(play));
    }
  expect(await subject.faults()).toEqual([]);
  await subject.end();
});
