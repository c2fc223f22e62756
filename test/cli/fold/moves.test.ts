import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CountClient } from "../../../src/client/client.ts";
import { newFolder, removeAll } from "../../store/durable/folders.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import {
  add,
  bun,
  moveCommand,
  foldKilled,
  expectPlaced,
  foldsOf,
  PATIENT,
  play,
  Server,
  songs,
  startTime,
} from "../../support/folding.ts";
import { killAll, run } from "../../support/process.ts";

setDefaultTimeout(300_000);
afterEach(killAll);
afterAll(removeAll);

describe("A move that is killed", () => {
  test("loses and doubles no play of two servers that become three, played on all along, however often it is killed", async () => {
    const random = new Random("copy");
    const servers = [new Server(), new Server(newFolder()), new Server(newFolder())];
    const urls = await Promise.all(servers.map((server) => server.start()));
    const two = urls.slice(0, 2);
    const ledger = songs(60_000);
    await new CountClient(two, PATIENT).addPlays(ledger);
    const stop = play(two, ledger);
    const command = moveCommand(two, urls);
    let broken = 0;
    for (let time = 0; time < rounds(15, 1) || broken === 0; time++) {
      await foldKilled(command, (await startTime()) * (1 + 26 * random.next()));
      if ((await Promise.all(two.map(foldsOf))).some((folds) => folds !== "")) broken++;
    }
    await stop();
    expect((await run([...bun, ...command])).status).toBe(0);
    await expectPlaced(urls, ledger);
  });

  test("moves what a durable server has that is killed itself, and is as another one then", async () => {
    const random = new Random("copy from");
    const [source, target] = [new Server(newFolder()), new Server(newFolder())];
    const command = moveCommand([await source.start()], [await target.start()]);
    const ledger = new Map<string, number>();
    let broken = 0;
    for (let time = 0; time < rounds(5, 1) || broken === 0; time++) {
      const plays = songs(60_000, time + 1);
      await new CountClient(source.url, PATIENT).addPlays(plays);
      add(ledger, plays);
      for (let kill = 0; kill < 2; kill++) {
        await foldKilled(command, (await startTime()) * (4 + 7 * random.next()));
        if ((await foldsOf(source.url)) !== "") broken++;
        for (const server of random.pick([[source], [target], [source, target]])) {
          await server.kill();
          await server.start();
        }
      }
      const moving = run([...bun, ...command]);
      await Bun.sleep(random.below(400));
      await source.kill(); // while it is asked
      await source.start();
      await moving;
    }
    expect((await run([...bun, ...command])).status).toBe(0);
    await expectPlaced([target.url], ledger);
    expect(await (await fetch(source.url)).text()).toBe("");
  });
});
