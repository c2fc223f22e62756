import type { Random } from "../support/random.ts";
import type { Crowd } from "./crowd.ts";
import type { Ended, Program } from "./program.ts";

/** A program that was just started, and its clients. */
export interface Round {
  program: Program;
  crowd: Crowd;
  random: Random;
  /** Duration of a start. */
  startMs: number;
  /** Waits until the program listens, and returns its URL. */
  listening: () => Promise<string>;
  /** Waits until it listens and all requests under way are retried and checked. Returns its URL. */
  ready: () => Promise<string>;
  /** Sends it the signal to stop. */
  stop: () => void;
}

/** Runs from a start of the program to its end. */
export type Situation = (round: Round) => Promise<Ended>;

/** The situations in which the program is killed. */
export const SITUATIONS: Readonly<Record<string, Situation>> = {
  "while it starts": async ({ program, random, startMs }) => {
    await Bun.sleep(random.next() * 1.2 * startMs);
    return await program.kill();
  },

  "just after it listens": async ({ program, random, listening }) => {
    await listening();
    await Bun.sleep(random.below(3));
    return await program.kill();
  },

  "while clients retry": async ({ program, crowd, random, listening }) => {
    const catchingUp = crowd.catchUp(await listening());
    await Bun.sleep(random.below(12));
    const ended = await program.kill();
    await catchingUp;
    return ended;
  },

  "under load": async ({ program, crowd, random, ready }) => {
    const load = crowd.play(await ready(), false);
    await Bun.sleep(random.below(150));
    const ended = await program.kill();
    await load.done;
    return ended;
  },

  "while it seals and acknowledges": async ({ program, crowd, random, ready }) => {
    const load = crowd.play(await ready(), true);
    const changed = Promise.withResolvers<void>();
    let changes = 1 + random.below(10);
    crowd.job.onChange = () => --changes === 0 && changed.resolve();
    await Promise.race([changed.promise, load.done]);
    await Bun.sleep(random.below(5));
    const ended = await program.kill();
    await load.done;
    return ended;
  },

  "during background work": async ({ program, crowd, random, ready }) => {
    const load = crowd.playMany(await ready());
    await Bun.sleep(20 + random.below(60));
    load.isOver = true;
    await load.done;
    await Bun.sleep(random.below(60));
    return await program.kill();
  },

  "after a signal to stop": async ({ program, crowd, random, ready, stop }) => {
    const load = crowd.play(await ready(), false);
    await Bun.sleep(random.below(100));
    stop();
    const ended = await program.ended;
    await load.done;
    return ended;
  },

  "while it stops": async ({ program, crowd, random, ready, stop }) => {
    const load = crowd.play(await ready(), false);
    await Bun.sleep(random.below(100));
    stop();
    await Bun.sleep(random.below(40));
    const ended = await program.kill();
    await load.done;
    return ended;
  },
};

/** The situation in which it is stopped, not killed. */
export const STOPPED = "after a signal to stop";
