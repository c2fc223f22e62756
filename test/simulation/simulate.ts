import { type CountStore, Refusal } from "../../src/mod.ts";
import { Random } from "../support/random.ts";
import { type Actor, client, type Design, job, look, page } from "./actors.ts";
import { type Server, SONGS, World } from "./world.ts";

/** The outcome of a run. */
export interface Outcome {
  /** The errors seen; empty if the design is sound. */
  wrong: readonly string[];
  displayed: number;
  gone: number;
  plays: number;
  folds: number;
  crashes: number;
}

const CLIENTS = 3;
const PAGES = 2;
const JOBS = 2; // the second one begins before the first has ended
const CRASHES = 0.03;

/** Writers have other names in each run: servers may know those of the runs before. */
let runs = 0;

/** Makes servers in which nothing is counted. */
export type MakeServers = (count: number, random: Random) => readonly Server[];

/**
 * Runs clients, pages and batch jobs side by side, in an order and with failures that depend on the seed
 * only.
 */
export function simulate(seed: number, design: Design, makeServers: MakeServers): Outcome {
  const random = new Random("simulation", seed);
  const world = new World(random, makeServers(1 + random.below(2), random));
  runs++;
  const clients = Array.from({ length: CLIENTS }, (_, n) => client(world, design, `${runs}.${n}`));
  const pages = Array.from({ length: PAGES }, () => page(world, design));
  const jobs = Array.from({ length: JOBS }, () => job(world, design));
  let crashes = 0;
  while (clients.length > 0 && world.wrong.length === 0) {
    const at = random.below(CLIENTS + PAGES + JOBS);
    if (random.chance(0.1)) world.deliverLate();
    if (at < CLIENTS) {
      const place = at % clients.length;
      if (clients[place]?.next().done) clients.splice(place, 1);
    } else if (at < CLIENTS + PAGES) {
      pages[at - CLIENTS]?.next();
    } else {
      const place = at - CLIENTS - PAGES;
      if (!random.chance(CRASHES) && goesWell(jobs[place] as Actor)) continue;
      jobs[place] = job(world, design);
      crashes++;
    }
  }
  settle(world, design);
  const plays = [...world.truth.values()].reduce((sum, count) => sum + count, 0);
  return {
    wrong: world.wrong,
    displayed: world.displayed,
    gone: world.gone,
    plays,
    folds: world.done,
    crashes,
  };
}

/** Runs a step. A job whose request is refused ends as if it had crashed: another job may be ahead of it. */
function goesWell(actor: Actor): boolean {
  try {
    actor.next();
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Lets a job finish without failures, and checks that the database has each play once. */
function settle(world: World, design: Design): void {
  if (world.wrong.length > 0) return;
  world.isCalm = true;
  const last = world.done + 2;
  const ending = job(world, design);
  for (let step = 0; world.done < last; step++) {
    if (step > 500 || !goesWell(ending)) {
      world.wrong.push("a job cannot go on");
      return;
    }
  }
  for (const id of SONGS) {
    const { plays, fold } = world.rowOf(id);
    const shown = look(world, world.serverOf(id)[0] as CountStore, id, design.after(fold, world.done));
    if (shown === undefined) world.wrong.push("a page cannot show a song, and never will");
    if (plays < world.truthOf(id))
      world.wrong.push(`of ${world.truthOf(id)} plays ${plays} are in the database`);
    if (plays > world.truthOf(id))
      world.wrong.push(`${world.truthOf(id)} plays are ${plays} in the database`);
  }
}
