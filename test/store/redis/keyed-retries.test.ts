import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { batch, single } from "./support/crowd.ts";
import { Interposed } from "./support/interposed.ts";
import { error, type Fate } from "./support/interposer.ts";
import { testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// A request with a key takes several commands: claim, add, confirm. Any of them may fail.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const COMMANDS = [1, 2, 3];
const PLAYS = [single("one"), batch(["one", "two", "three"])];

/** The failures of the two attempts. */
const FIRST: readonly Fate[] = ["close after", "close before"];
const SECOND: readonly Fate[] = ["close after", error("CLUSTERDOWN The cluster is down")];

/** Combines each command with each fate. */
function failures(fates: readonly Fate[]): [n: number, fate: Fate][] {
  return fates.flatMap((fate) => COMMANDS.map((n): [number, Fate] => [n, fate]));
}

testWithRedis("A request with a key is counted once, after any two failures", async () => {
  const subject = await Interposed.start(PLAYS);
  for (const one of failures(FIRST))
    for (const other of failures(SECOND))
      for (const play of PLAYS.map((play) => subject.keyed(play))) {
        for (const [n, fate] of [one, other]) {
          await subject.with(n, fate, () => subject.ledger.ask(subject.url, play));
          await subject.healthy();
        }
        await subject.untilCounted(play);
        expect(await subject.faults(), `${play.path} failed as ${JSON.stringify([one, other])}`).toEqual([]);
      }
  await subject.end();
});
