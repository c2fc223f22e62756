import { afterEach, describe, expect, setDefaultTimeout } from "bun:test";
import { type Outcome, PlayLedger } from "../../support/play-ledger.ts";
import { batch, single } from "./support/crowd.ts";
import { type Fate, Interposer, mayCount } from "./support/interposer.ts";
import { endWell, serve } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// A command goes astray, before it was done or behind it: nobody can tell which, and it is not sent again.

setDefaultTimeout(60_000);
afterEach(stopEverything);

const PLAYS = 6;

interface Interposed {
  url: string;
  interposer: Interposer;
  end: () => Promise<string>;
}

/** A playcount whose commands may go astray. */
async function interposed(ledger: PlayLedger): Promise<Interposed> {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(redis.port);
  const server = await serve(interposer.url, "--shards", "16", "--store-timeout", "300");
  // Redis is given its scripts first, or it would not do the commands that go astray.
  for (const play of [single("first"), batch(["first", "second"])]) {
    await ledger.send(server.url, play);
    await ledger.send(server.url, { ...play, key: `"first:${play.songs.size}"` });
  }
  // And all songs are known, or there would be room to be made for them first.
  for (let song = 0; song < PLAYS; song++) await ledger.send(server.url, single(`song-${song}`));
  expect(ledger.count(200)).toBe(4 + PLAYS);
  return { url: server.url, interposer, end: () => endWell([server]) };
}

/** The next command that may write has this fate, and all others are done. */
function next(interposer: Interposer, fate: Fate): void {
  let isNext = true;
  interposer.fate = (words) => {
    if (!isNext || !mayCount(words)) return "well";
    isNext = false;
    return fate;
  };
}

/** Plays some songs, each once, while the command of each has this fate. */
async function playAstray(
  ledger: PlayLedger,
  url: string,
  interposer: Interposer,
  fate: Fate,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let play = 0; play < PLAYS; play++) {
    next(interposer, fate);
    outcomes.push((await ledger.send(url, single(`song-${play}`))).outcome);
    // What comes next finds a connection again.
    interposer.fate = () => "well";
    while ((await ledger.send(url, single("another"))).outcome !== "counted") await Bun.sleep(10);
  }
  return outcomes;
}

describe("A play whose command is lost", () => {
  testWithRedis.each<[string, Fate, plays: number]>([
    ["before it was done is unknown, and not counted", "close before", 0],
    ["when it was done is unknown, and counted once", "close behind", 1],
    ["and never answered is unknown, and not sent again", "never", 0],
    ["and answered with what is no answer is unknown, and not sent again", { answer: "?what\r\n" }, 0],
  ])("%s", async (_, fate, plays) => {
    const ledger = new PlayLedger();
    const { url, interposer, end } = await interposed(ledger);
    const outcomes = await playAstray(ledger, url, interposer, fate);
    expect(new Set(outcomes)).toEqual(new Set(["unknown"]));
    expect(await ledger.faults(url)).toEqual([]);
    for (let song = 0; song < PLAYS; song++)
      expect(await (await fetch(`${url}song/song-${song}`)).text()).toBe(String(1 + plays));
    await end();
  });

  testWithRedis("is counted once under its key, however often it is lost, and so is a batch", async () => {
    const ledger = new PlayLedger();
    const { url, interposer, end } = await interposed(ledger);
    const songs = Array.from({ length: 20 }, (_, song) => `song-${song}`);
    for (let number = 1; number <= PLAYS; number++) {
      for (const [writer, play] of [
        ["one", single("song-0")],
        ["many", batch(songs)],
      ] as const) {
        const keyed = { ...play, key: `"${writer}:${number}"` };
        for (const fate of ["close before", "close behind", "never", "close behind"] as const) {
          next(interposer, fate);
          await ledger.ask(url, keyed);
        }
        interposer.fate = () => "well";
        while ((await ledger.ask(url, keyed)).outcome !== "counted") await Bun.sleep(10);
        ledger.note(play.songs, "counted");
      }
    }
    expect(ledger.count(500)).toBeGreaterThan(PLAYS);
    expect(await ledger.faults(url)).toEqual([]);
    await end();
  });
});

/** A client that makes up its mind where it does not know. */
class Careless extends PlayLedger {
  readonly #believed: Outcome;

  constructor(believed: Outcome) {
    super();
    this.#believed = believed;
  }

  override judge(answer: Response | undefined, text: string): Outcome {
    const outcome = super.judge(answer, text);
    return outcome === "unknown" ? this.#believed : outcome;
  }
}

describe("It does not go unnoticed if", () => {
  testWithRedis.each<[string, Outcome, Fate, wanted: RegExp]>([
    ["plays are lost that are said to be counted", "counted", "close before", /^lost: song-/m],
    ["plays are counted that are said not to be", "refused", "close behind", /^doubled: song-/m],
    ["Redis is told twice", "unknown", "twice", /^doubled: song-/m],
  ])("%s", async (_, believed, fate, wanted) => {
    const ledger = new Careless(believed);
    const { url, interposer } = await interposed(ledger);
    await playAstray(ledger, url, interposer, fate);
    expect((await ledger.faults(url)).join("\n")).toMatch(wanted);
  });
});
