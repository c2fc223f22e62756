import { afterEach, describe, expect, setDefaultTimeout } from "bun:test";
import { type Outcome, PlayLedger } from "../../support/play-ledger.ts";
import { batch, single } from "./support/crowd.ts";
import { type Fate, Interposer, mayCount } from "./support/interposer.ts";
import { endWell, serve } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { stopEverything } from "./support/scene.ts";

// A command is lost before or after its execution. The store cannot tell which, and does not send it again.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const PLAYS = 6;

interface Interposed {
  url: string;
  interposer: Interposer;
  end: () => Promise<string>;
}

/** Starts a playcount whose commands may be lost. */
async function interposed(ledger: PlayLedger): Promise<Interposed> {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(redis.port);
  const server = await serve(interposer.url, "--shards", "16", "--store-timeout", "300");
  // The scripts must be loaded first, or the commands below would do nothing.
  for (const play of [single("first"), batch(["first", "second"])]) {
    await ledger.send(server.url, play);
    await ledger.send(server.url, { ...play, key: `"first:${play.songs.size}"` });
  }
  // All songs must exist, or their first play would take more commands.
  for (let song = 0; song < PLAYS; song++) await ledger.send(server.url, single(`song-${song}`));
  expect(ledger.count(200)).toBe(4 + PLAYS);
  return { url: server.url, interposer, end: () => endWell([server]) };
}

/** Gives the next command that may write this fate. All others are executed. */
function next(interposer: Interposer, fate: Fate): void {
  let isNext = true;
  interposer.fate = (words) => {
    if (!isNext || !mayCount(words)) return "well";
    isNext = false;
    return fate;
  };
}

/** Plays some songs, each once, with this fate for the command of each. */
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
    // The next play must find a connection again.
    interposer.fate = () => "well";
    while ((await ledger.send(url, single("another"))).outcome !== "counted") await Bun.sleep(10);
  }
  return outcomes;
}

describe("A play whose command is lost", () => {
  testWithRedis.each<[string, Fate, plays: number]>([
    ["before its execution is unknown, and not counted", "close before", 0],
    ["after its execution is unknown, and counted once", "close after", 1],
    ["without an answer is unknown, and not sent again", "never", 0],
    ["with an invalid answer is unknown, and not sent again", { answer: "?what\r\n" }, 0],
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

  testWithRedis("is counted once under its key after any number of losses, and so is a batch", async () => {
    const ledger = new PlayLedger();
    const { url, interposer, end } = await interposed(ledger);
    const songs = Array.from({ length: 20 }, (_, song) => `song-${song}`);
    for (let number = 1; number <= PLAYS; number++) {
      for (const [writer, play] of [
        ["one", single("song-0")],
        ["many", batch(songs)],
      ] as const) {
        const keyed = { ...play, key: `"${writer}:${number}"` };
        for (const fate of ["close before", "close after", "never", "close after"] as const) {
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

/** A client that takes unknown outcomes for counted, or for refused. */
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

describe("The ledger reports", () => {
  testWithRedis.each<[string, Outcome, Fate, wanted: RegExp]>([
    ["lost plays that were answered", "counted", "close before", /^lost: song-/m],
    ["counted plays that were refused", "refused", "close after", /^doubled: song-/m],
    ["a command that was executed twice", "unknown", "twice", /^doubled: song-/m],
  ])("%s", async (_, believed, fate, wanted) => {
    const ledger = new Careless(believed);
    const { url, interposer } = await interposed(ledger);
    await playAstray(ledger, url, interposer, fate);
    expect((await ledger.faults(url)).join("\n")).toMatch(wanted);
  });
});
