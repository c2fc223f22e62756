import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { createHandler } from "../../src/http/handler.ts";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { Random } from "../support/random.ts";
import { rounds } from "../support/extent.ts";
import { failureOf } from "../support/failure.ts";
import {
  batchesIn,
  countsOf,
  moverTo,
  NO_RETRIES,
  serveUntil,
  songs,
  sum,
  textOf,
} from "../support/moving.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";
import { serveShuffled } from "../support/shuffling.ts";
import { serveUnreliably, Unreliability } from "../support/unreliable.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describe("A fold whose move fails", () => {
  test("is neither lost nor doubled whatever fails how often, in whichever order it is answered", async () => {
    const random = new Random("move");
    const unreliability = new Unreliability(random, 0.9);
    const { fate } = unreliability;
    const backend = servePlaycount();
    const source = serveUnreliably(serveShuffled(backend, random), fate).url;
    const targets = [1, 2].map(() => serveUnreliably(servePlaycount(), fate).url);
    const mover = moverTo(targets, 2000);
    const all = songs(rounds(12_000, 6000));
    let failures = 0;
    let folds = 0;
    while (failures < rounds(10, 2)) {
      folds++;
      unreliability.isOn = false;
      await new CountClient(backend).addPlays(all);
      unreliability.isOn = true;
      while ((await mover.move(`${source}/`, folds).catch(() => "failed")) === "failed")
        expect(failures++).toBeLessThan(1000);
    }
    unreliability.isOn = false;
    expect(await countsOf(...targets)).toEqual(new Map([...all].map(([id, plays]) => [id, plays * folds])));
    expect(await textOf(backend)).toBe("");
  });

  test("goes on behind the batch that was counted last", async () => {
    const source = servePlaycount();
    await new CountClient(source).addPlays(songs(32_000));
    const { url, seen, heal } = serveUntil(4, 507);
    const failure = await failureOf(CountClient.rebalance(source, url, 1, NO_RETRIES));
    expect(failure.message).toContain("failed: 507");
    expect(await textOf(`${source}/folds`)).toBe("1");
    const before = batchesIn(seen).length;
    heal();
    expect(await CountClient.rebalance(source, url, 1, NO_RETRIES)).toBe(sum(songs(32_000)));
    expect(batchesIn(seen).length - before).toBe(1 + 3); // the last one that it has, and those behind it
    expect(await countsOf(source, url)).toEqual(songs(32_000));
  });

  test("is not brought again to a server that has forgotten what it had, unless that is asked for", async () => {
    const source = servePlaycount();
    await new CountClient(source).addPlays(songs(12_000));
    let handle = createHandler(new ShardedStore({ maxWriters: 2, maxSongs: 7000 }));
    const target = serve((request) => handle(request));
    const move = (again = false) => CountClient.rebalance(source, target, 1, { ...NO_RETRIES, again });
    await expect(move()).rejects.toThrow("failed: 507");
    await expect(move()).rejects.toThrow("failed: 507"); // it knows
    for (const writer of ["x", "y"])
      await fetch(`${target}/song/1`, {
        method: "POST",
        body: "0",
        headers: { "idempotency-key": `"${writer}:1"` },
      });
    for (let time = 0; time < 2; time++) {
      const failure = await failureOf(move());
      expect(failure.message).toStartWith(`${target}/ has lost its record of the moved songs`);
    }
    expect((await countsOf(target)).size).toBe(5000);
    handle = createHandler(new ShardedStore()); // it begins anew, without its counts
    await expect(move()).rejects.toThrow("has lost its record");
    expect(await move(true)).toBe(sum(songs(12_000)));
    expect(await countsOf(source, target)).toEqual(songs(12_000));
  });

  test("is not acknowledged if a count would be too high, and what was moved is not moved again", async () => {
    const source = servePlaycount();
    const target = servePlaycount();
    await new CountClient(source).addPlays(songs(11_000));
    await new CountClient(target).addPlays(new Map([["song 9999/ä", Number.MAX_SAFE_INTEGER]]));
    for (let time = 0; time < 2; time++) {
      const failure = await failureOf(CountClient.rebalance(source, target, 1, NO_RETRIES));
      expect(failure.message).toContain(
        "failed: 409 The count would exceed 2^53 - 1: Adding 1 to 9007199254740991 would exceed",
      );
      expect(await textOf(`${source}/folds`)).toBe("1");
    }
    expect((await countsOf(target)).size).toBe(10_001); // two batches, and the song that has too many
    await fetch(target, { method: "DELETE" });
    await CountClient.rebalance(source, target, 1, NO_RETRIES);
    expect((await countsOf(target)).size).toBe(1000);
    expect(await textOf(source)).toBe("");
  });

  test("is refused another list, as it was begun, and the first one is as good as before", async () => {
    const source = servePlaycount();
    await new CountClient(source).addPlays(songs(12_000));
    const { url, heal } = serveUntil(1, 507);
    const other = servePlaycount();
    await failureOf(CountClient.rebalance(source, url, 1, NO_RETRIES));
    for (const list of [[other], [url, other]]) {
      const failure = await failureOf(CountClient.rebalance(source, list, 1, NO_RETRIES));
      expect(failure.message).toBe(
        `Fold 1 of ${source}/ is being moved to other servers: finish that move first, with its own lists`,
      );
      expect(failure.status).toBe(422);
    }
    heal();
    await CountClient.rebalance(`${source}/`, `${url}///`, 1);
    expect(await countsOf(source, other)).toEqual(new Map());
    expect(await countsOf(url)).toEqual(songs(12_000));
  });

  test("is refused if somebody else sealed it", async () => {
    const source = servePlaycount();
    await new CountClient(source).addPlays(songs(9));
    await fetch(`${source}/folds/5`, { method: "PUT" });
    for (let time = 0; time < 2; time++) {
      const failure = await failureOf(CountClient.rebalance(source, servePlaycount(), 5));
      expect(failure.message).toStartWith(`Fold 5 of ${source}/ was not sealed by this move`);
    }
    await expect(CountClient.rebalance(source, servePlaycount(), 4)).rejects.toThrow(
      new RangeError(`Fold 4 must be above 5, the newest of ${source}/`),
    );
    expect(await countsOf(source)).toEqual(songs(9));
  });

  test("may be moved by several at the same time", async () => {
    const source = servePlaycount();
    const targets = [servePlaycount(), servePlaycount()];
    const folds = rounds(5, 2);
    const plays = songs(rounds(12_000, 4000));
    for (let fold = 1; fold <= folds; fold++) {
      await new CountClient(source).addPlays(plays);
      const movers = [1, 2, 3].map(() => moverTo(targets, 1000).move(`${source}/`, fold));
      expect((await Promise.allSettled(movers)).some(({ status }) => status === "fulfilled")).toBe(true);
    }
    await moverTo(targets, 1000).move(`${source}/`, folds + 1);
    expect(sum(await countsOf(source, ...targets))).toBe(folds * sum(plays));
  });
});
