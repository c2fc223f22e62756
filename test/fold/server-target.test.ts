import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { CountServerError } from "../../src/client/count-server-error.ts";
import { Placement } from "../../src/client/placement.ts";
import { ServerClient } from "../../src/client/server-client.ts";
import { CountServers } from "../../src/fold/count-servers.ts";
import { type HandedOver, handOverEach, type JobOptions } from "../../src/fold/job.ts";
import type { UnknownPolicy } from "../../src/fold/defaults.ts";
import { ServerTarget } from "../../src/fold/server-target.ts";
import { Random } from "../support/random.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { serveUnreliably, Unreliability } from "../support/unreliable.ts";
import { Crash, crashAt } from "./support/jobs.ts";

afterEach(stopAll);

const SONGS = new Map(Array.from({ length: 2500 }, (_, n): [string, number] => [`song ${n}/ä`, (n % 9) + 1]));
const PLAYS = [...SONGS.values()].reduce((sum, plays) => sum + plays, 0);

async function move(
  from: readonly string[],
  to: readonly string[],
  { unknown = "keep", ...options }: Partial<JobOptions & { unknown: UnknownPolicy }> = {},
  log: string[] = [],
): Promise<HandedOver[]> {
  const client = new ServerClient({ retries: 0 });
  const target = new ServerTarget(new Placement(to), client, { unknown });
  const counters = new CountServers({
    client,
    servers: new Placement(from).urls,
    log: (line) => log.push(line),
  });
  const folds: HandedOver[] = [];
  for await (const fold of handOverEach({ target, counters, ...options })) folds.push(fold);
  return folds;
}

/** Asserts that each song is on the server that the list places it on, and only there. */
async function expectPlaced(servers: readonly string[], songs: ReadonlyMap<string, number>): Promise<void> {
  const client = new CountClient(servers);
  expect(await client.getAllPlayCounts()).toEqual(new Map(songs));
  for (const server of servers)
    for (const id of (await new CountClient(server).getAllPlayCounts()).keys())
      expect(client.serverOf(id)).toBe(`${server}/`);
}

describe("A move", () => {
  test("brings songs to where a longer list places them, and to where a shorter one does", async () => {
    const servers = [servePlaycount(), servePlaycount(), servePlaycount()];
    const two = servers.slice(0, 2);
    await new CountClient(two).addPlays(SONGS);
    expect(await move(two, servers)).toMatchObject([{ plays: PLAYS, songs: SONGS.size, isResumed: false }]);
    await expectPlaced(servers, SONGS);
    await move(servers, two);
    await expectPlaced(two, SONGS);
    expect(await new CountClient(servers[2] as string).getAllPlayCounts()).toEqual(new Map());
  });

  test("loses and doubles nothing if it is repeated after failures anywhere", async () => {
    const unreliability = new Unreliability(new Random("move"), 0.83);
    const servers = [1, 2, 3].map(() => serveUnreliably(servePlaycount(), unreliability.fate).url);
    const two = servers.slice(0, 2);
    let [failures, rounds] = [0, 0];
    while (failures < 8) {
      rounds++;
      unreliability.isOn = false;
      await new CountClient(two).addPlays(SONGS);
      unreliability.isOn = true;
      while ((await move(two, servers).catch(() => "failed")) === "failed") failures++;
    }
    unreliability.isOn = false;
    await expectPlaced(servers, new Map([...SONGS].map(([id, plays]) => [id, plays * rounds])));
  });

  test("whose source has lost songs of a fold that was stored in part drops the rest if it is told to", async () => {
    const [lost, other, target] = [servePlaycount(), servePlaycount(), servePlaycount()];
    const songs = [...SONGS];
    await new CountClient(lost).addPlays(new Map(songs.slice(0, 1000)));
    await new CountClient(other).addPlays(new Map(songs.slice(1000)));
    await expect(move([lost, other], [target], { onStep: crashAt("acknowledged one") })).rejects.toThrow(
      Crash,
    );
    const restarted = servePlaycount();
    await new CountClient(restarted).addPlays(new Map([["new", 7]]));
    const log: string[] = [];
    for (let run = 0; run < 2; run++)
      await expect(move([restarted, other], [target])).rejects.toThrow(
        / has counted other songs under this fold: .*\. Drop the rest by --skip$/,
      );
    const folds = await move([restarted, other], [target], { skip: true }, log);
    expect(folds).toMatchObject([{ songs: 1, plays: 7, isResumed: false }]);
    expect(log.join("\n")).toMatch(/: fold \d+ is dropped \(songs: 1500, plays: /);
    await expectPlaced([target], new Map([...SONGS, ["new", 7]]));
  });

  test("of songs that a server refuses for good leaves them out if it is told to, also after a failure", async () => {
    const [source, target] = [servePlaycount(), servePlaycount({ idPattern: "[^!]+", maxIdBytes: 100 })];
    const most = Number.MAX_SAFE_INTEGER;
    const refused = ["0!", "song 1!", "~!", "x".repeat(101)].map((id): [string, number] => [id, 2]);
    await new CountClient(target).addPlays(new Map([["full", most]]));
    await new CountClient(source).addPlays(new Map([...SONGS, ...refused, ["full", 1]]));
    const sent = new Set<string>();
    const to = serveUnreliably(target, ({ key, body }) => {
      const isAgain = key === null || key.endsWith(':0"') || sent.has(key + body);
      sent.add(key + body);
      return isAgain ? "succeed" : "lose answer";
    }).url;
    const songs: number[] = [];
    for (let failures = 0; songs.length === 0 && failures < 100; failures++)
      await move([source], [to], { unknown: failures < 4 ? "keep" : "drop" }).then(
        (folds) => songs.push(...folds.map(({ setAside }) => setAside.songs)),
        (error: Error) => {
          if (error instanceof CountServerError) return;
          expect(error.message).toMatch(/, or leave such songs out by --unknown drop$/);
          expect(failures).toBeLessThan(4);
        },
      );
    expect(songs).toEqual([2, 0]); // a run reports those of its own steps
    await expectPlaced([target], new Map([...SONGS, ["full", most]]));
    expect(await (await fetch(source)).text()).toBe("");
  });

  test("to two URLs of one server is refused before a fold is sealed", async () => {
    const [source, target] = [servePlaycount(), servePlaycount()];
    await new CountClient(source).addPlays(SONGS);
    await expect(move([source], [target, target.replace("127.0.0.1", "localhost")])).rejects.toThrow(
      /: they are one server, or share a Redis\. List it once in --into$/,
    );
    expect(await (await fetch(`${source}/folds`)).text()).toBe("");
    await move([source], [target]);
    await expectPlaced([target], SONGS);
  });

  test("needs no name of what is counted", async () => {
    const [source, target] = [servePlaycount({ resource: "video" }), servePlaycount({ resource: "video" })];
    await new CountClient(source).addPlays(SONGS);
    await move([source], [target]);
    await expectPlaced([target], SONGS);
  });

  test("that died is completed with the same list, and refuses others until then", async () => {
    const [source, first, second] = [servePlaycount(), servePlaycount(), servePlaycount()];
    await new CountClient(source).addPlays(SONGS);
    for (const step of ["intended", "sealed one", "stored", "acknowledged one"])
      await expect(move([source], [first], { onStep: crashAt(step) })).rejects.toThrow(Crash);
    await new CountClient(source).addPlays(SONGS);
    await expect(move([source], [first], { onStep: crashAt("stored") })).rejects.toThrow(Crash);
    await expect(move([source], [first, second])).rejects.toThrow(
      /fold \d+ with the label "playcount fold into http.*, which is not .* of this job/,
    );
    expect(await move([source], [first])).toMatchObject([
      { isResumed: true },
      { isResumed: false, songs: 0 },
    ]);
    await expectPlaced([first], new Map([...SONGS].map(([id, plays]) => [id, plays * 2])));
  });

  test("that stored a part is not adopted by another one, which would store that part twice", async () => {
    const [source, full, other] = [servePlaycount(), servePlaycount({ maxSongs: 2100 }), servePlaycount()];
    await new CountClient(source).addPlays(SONGS);
    await expect(move([source], [full])).rejects.toThrow(/507/);
    const refusal = await move([source], [other]).catch(String);
    expect(refusal).toMatch(/complete it with the same --into\. If it cannot .*, drop the rest by --skip$/);
    const adopt = Number(await (await fetch(`${source}/folds`)).text());
    for (const skip of [false, true])
      await expect(move([source], [other], { adopt, skip })).rejects.toThrow(
        /^fold \d+ has the label "playcount fold into .*", so it is not adopted\. .* with the same --into$/,
      );
    expect(await (await fetch(other)).text()).toBe("");
  });
});
