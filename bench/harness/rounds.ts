import process from "node:process";
import { shuffle } from "./statistics.ts";

/** Values that were measured of each subject, in the order of the rounds. */
export type Samples<S, T> = ReadonlyMap<S, T[]>;

interface RoundsOptions {
  /** Name of the measurement, shown on stderr before each round. */
  title: string;
  rounds: number;
  /** Rounds that are run first and discarded. Default: 0. */
  warmUp?: number;
}

/**
 * Runs a trial of every subject in each round. Subjects of one group take their turns next to each other, in
 * random order: a machine is not equally fast at all times, and what is compared should meet the same
 * conditions.
 */
export async function runRounds<S, T>(
  groups: readonly (readonly S[])[],
  { title, rounds, warmUp = 0 }: RoundsOptions,
  trial: (subject: S) => Promise<T>,
): Promise<Samples<S, T>> {
  const samples = new Map<S, T[]>(groups.flat().map((subject) => [subject, []]));
  for (let round = 1 - warmUp; round <= rounds; round++) {
    process.stderr.write(`${title}, ${round < 1 ? "warm-up" : `round ${round} of ${rounds}`}\n`);
    for (const group of groups)
      for (const subject of shuffle(group)) {
        const value = await trial(subject);
        if (round >= 1) samples.get(subject)?.push(value);
      }
  }
  return samples;
}
