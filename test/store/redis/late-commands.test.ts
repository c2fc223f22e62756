import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { readCounts } from "../../support/counts.ts";
import { askForFold } from "./support/asking.ts";
import { batch, single } from "./support/crowd.ts";
import { Interposed, SHARDS } from "./support/interposed.ts";
import { testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// Redis executes a command that was delayed in a buffer long after its sender has given up.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const PLAYS = [single("one"), batch(["one", "two", "three", "four"])];

testWithRedis("A late command of a request with a key changes nothing", async () => {
  const subject = await Interposed.start(PLAYS);
  for (const n of [1, 2, 3])
    for (const play of PLAYS) {
      const late = subject.keyed(play);
      await subject.with(n, "late", () => subject.ledger.ask(subject.url, late));
      await subject.untilCounted(late);
      await subject.untilCounted(subject.keyed(play));
      expect(await subject.interposer.passOn()).toBe(1);
      expect(await subject.faults(), `command ${n} of ${play.path} was late`).toEqual([]);
      await subject.untilCounted(subject.keyed(play));
    }
  expect(await subject.faults()).toEqual([]);
  await subject.end();
});

testWithRedis("A late play of unknown outcome is counted once", async () => {
  const subject = await Interposed.start(PLAYS);
  for (const play of PLAYS) {
    const { outcome } = await subject.with(1, "late", () => subject.ledger.send(subject.url, play));
    expect(outcome).toBe("unknown");
    await subject.untilCounted(subject.keyed(play));
    expect(await subject.interposer.passOn()).toBe(1);
    expect(await subject.faults()).toEqual([]);
  }
  await subject.end();
});

async function change(url: string, method: string, fold: number): Promise<string> {
  return (await askForFold(url, method, fold)).text;
}

testWithRedis("A late command that seals or acknowledges a fold changes nothing", async () => {
  const subject = await Interposed.start(PLAYS);
  const { ledger, url, interposer } = subject;
  const play = () => subject.untilCounted(subject.keyed(PLAYS[1] as (typeof PLAYS)[number]));
  let fold = 0;
  // The first command begins the operation, the next ones apply it to each shard, and the last one ends it.
  for (const n of [1, 2, SHARDS, SHARDS + 2])
    for (const lateMethod of ["PUT", "DELETE"]) {
      await play();
      fold++;
      for (const method of ["PUT", "DELETE"]) {
        if (method === lateMethod)
          await subject.with(n, "late", () => fetch(`${url}folds/${fold}`, { method }));
        await play();
        const text = await change(url, method, fold);
        if (method === "PUT") ledger.deliver(readCounts(await change(url, "GET", fold)));
        else expect(text).toBe("OK");
      }
      await play();
      // The late command must leave the next fold as it is.
      const next = await change(url, "PUT", ++fold);
      await play();
      expect(await interposer.passOn(), `command ${n} of ${lateMethod}`).toBe(1);
      await play();
      expect(await change(url, "GET", fold), `command ${n} of ${lateMethod}`).toBe(next);
      expect(await (await fetch(`${url}folds`)).text()).toBe(String(fold));
      await change(url, "DELETE", fold);
      ledger.deliver(readCounts(next));
      expect(await subject.faults(), `command ${n} of ${lateMethod}`).toEqual([]);
    }
  await subject.end();
});
