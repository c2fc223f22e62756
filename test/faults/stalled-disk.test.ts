import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { PlayLedger } from "../support/play-ledger.ts";
import { killAll } from "../support/process.ts";
import { LoopDisk, removeDisks, testWithDisk } from "./disk.ts";
import { single } from "./players.ts";
import { serve, statusOf } from "./server.ts";

setDefaultTimeout(300_000);
afterEach(async () => {
  await killAll();
  removeDisks();
});

const DISK = 64 * 2 ** 20;
const MAY_WAIT = 50;
const SENT = 80;
const READS = 300;

testWithDisk("While the disk stalls a limited number of plays wait, and reads continue", async () => {
  const disk = new LoopDisk(DISK);
  const ledger = new PlayLedger();
  const { url } = await serve(disk.folder, {}, "--max-waiting", String(MAY_WAIT));
  await ledger.send(url, single("song-0"));
  const refused = Promise.withResolvers<void>();
  disk.freeze();
  try {
    const plays = Array.from({ length: SENT }, async (_, song) => {
      await ledger.send(url, single(`song-${song % 10}`));
      if (ledger.count(503) === SENT - MAY_WAIT) refused.resolve();
    });
    await refused.promise;
    for (let read = 0; read < READS; read++)
      expect(await statusOf(url, read % 2 === 0 ? "song/song-0" : "")).toBe(200);
    expect(ledger.count(200)).toBe(1);
    expect(await statusOf(url, "health")).toBe(200);
    disk.thaw();
    await Promise.all(plays);
  } finally {
    disk.thaw(); // a frozen disk cannot be unmounted
  }
  expect([ledger.count(200), ledger.count(503)]).toEqual([1 + MAY_WAIT, SENT - MAY_WAIT]);
  expect(await ledger.faults(url)).toEqual([]);
  expect((await ledger.send(url, single("song-0"))).outcome).toBe("counted");
});
