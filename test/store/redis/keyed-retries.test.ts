import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { batch, single } from "./support/crowd.ts";
import { Interposed } from "./support/interposed.ts";
import { error, type Fate } from "./support/interposer.ts";
import { testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// A request with a key takes several commands: it is begun, added and ended. Any of them may fail.

setDefaultTimeout(60_000);
afterEach(stopEverything);

const COMMANDS = [1, 2, 3];
const PLAYS = [single("one"), batch(["one", "two", "three"])];

/** How the two attempts fail. */
const FIRST: readonly Fate[] = ["close behind", "close before"];
const SECOND: readonly Fate[] = ["close behind", error("CLUSTERDOWN The cluster is down")];

/** Each command with each of the fates. */
function failures(fates: readonly Fate[]): [n: number, fate: Fate][] {
  return fates.flatMap((fate) => COMMANDS.map((n): [number, Fate] => [n, fate]));
}

testWithRedis("However two attempts of a request with a key fail, it is counted once", async () => {
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
