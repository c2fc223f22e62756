import { describe, expect, test } from "bun:test";
import { Report } from "../../../src/cli/fold/report.ts";

describe("A report", () => {
  const progress = { fold: 17, songs: 5000, storedSongs: 0 };

  function reportOn(isTTY: boolean): {
    written: string[];
    at: (ms: number, moved: number) => void;
    end: () => void;
    note: (line: string) => void;
  } {
    const written: string[] = [];
    let now = 0;
    const report = new Report({ isTTY, write: (text) => written.push(text) }, () => now);
    const at = (ms: number, moved: number) => {
      now = ms;
      report.update({ ...progress, storedSongs: moved });
    };
    return { written, at, end: () => report.end(), note: (line) => report.note(line) };
  }

  test("on a terminal is one line that changes, at once and then ten times a second, and is gone at the end", () => {
    const { written, at, end } = reportOn(true);
    for (const [ms, moved] of [
      [0, 0],
      [50, 1000],
      [100, 2000],
      [150, 2500],
      [2000, 3000],
    ] as const)
      at(ms, moved);
    end();
    end();
    expect(written).toEqual([
      "\r\x1b[Kfold 17: stored 0 of 5,000 songs, 0 songs/s",
      "\r\x1b[Kfold 17: stored 2,000 of 5,000 songs, 20,000 songs/s",
      "\r\x1b[Kfold 17: stored 3,000 of 5,000 songs, 1,500 songs/s",
      "\r\x1b[K",
    ]);
  });

  test("on a terminal has lines that stay above the one that changes", () => {
    const { written, at, note } = reportOn(true);
    note("first");
    at(0, 0);
    note("second");
    at(100, 1000);
    expect(written).toEqual([
      "first\n",
      "\r\x1b[Kfold 17: stored 0 of 5,000 songs, 0 songs/s",
      "\r\x1b[K",
      "second\n",
      "\r\x1b[Kfold 17: stored 1,000 of 5,000 songs, 10,000 songs/s",
    ]);
  });

  test("elsewhere is nothing, as a log has one line for each fold", () => {
    const { written, at, end, note } = reportOn(false);
    for (const [ms, moved] of [
      [0, 0],
      [9000, 1000],
      [10_000, 2000],
      [20_000, 3000],
    ] as const)
      at(ms, moved);
    end();
    note("a line");
    expect(written).toEqual(["a line\n"]);
  });

  test("on a terminal never goes on in the next row, where it would not be erased", () => {
    const written: string[] = [];
    new Report({ isTTY: true, columns: 20, write: (text) => written.push(text) }).update(progress);
    expect(written).toEqual(["\r\x1b[Kfold 17: stored 0 o"]);
  });
});
