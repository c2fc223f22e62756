import { afterAll, afterEach, expect, setDefaultTimeout } from "bun:test";
import { CountClient } from "../../../src/client/client.ts";
import { newFolder, removeAll } from "../durable/folders.ts";
import { bun, moveCommand, expectPlaced, Server, songs } from "../../support/folding.ts";
import { killAll, run } from "../../support/process.ts";
import { stopAll } from "./support/clean-up.ts";
import { serve } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterEach(stopAll);
afterAll(removeAll);

testWithRedis(
  "Counts move from memory to Redis, on to a folder, and back, while they are played",
  async () => {
    const redis = await RedisServer.start();
    const [memory, disk] = [new Server(), new Server(newFolder())];
    const store = `redis://${redis.address}`;
    const [first, second] = [await serve(store), await serve(store, "--store-prefix", "other")];
    const stops = [await memory.start(), first.url, await disk.start(), second.url];
    const counts = songs(3000);
    await new CountClient(stops[0] as string).addPlays(counts);
    for (let at = 1; at < stops.length; at++) {
      const [from, to] = [stops[at - 1] as string, stops[at] as string];
      let isOver = false;
      const playing = (async () => {
        for (let n = 0; !isOver; n++) {
          const id = `song-${n % 50}`;
          await new CountClient(from).incrementPlayCount(id);
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
      })();
      const moving = await run([...bun, ...moveCommand([from], [to])]);
      isOver = true;
      await playing;
      const again = await run([...bun, ...moveCommand([from], [to])]); // the plays since the first move
      expect([moving.status, again.status], moving.stderr + again.stderr).toEqual([0, 0]);
      expect(await (await fetch(from)).text()).toBe("");
      await expectPlaced([to], counts);
    }
  },
);
