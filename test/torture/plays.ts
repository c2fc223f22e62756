import type { Random } from "../support/random.ts";
import type { Plays } from "./ledger.ts";

/** A request that counts. */
export interface Play {
  path: string;
  body: string;
  key?: string | undefined;
  plays: Plays;
}

/** A client's kind of requests. */
export type Kind = "songs" | "batches" | "long batches";

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

/** Songs played by all clients. */
const SHARED = names("shared", 10);

/** Songs that are only played with a key, so none of their plays may stay unknown. */
const KEYED = names("keyed", 30);

/** Enough songs that each commit has some that were not played for long. */
const MANY = 20_000;

/** Songs that are always played together in one batch, so their counts must be equal. */
export const GROUPS: readonly (readonly string[])[] = [1, 2, 2, 3, 5, 8, 20, 40, 2500].map((size, group) =>
  names(`group-${group}`, size),
);

/** More songs than a row of the table of commits has. */
const LONG = GROUPS.at(-1) as readonly string[];

/** Chooses the next request of a client. Keyed requests also play songs that are only played with a key. */
export function choose(kind: Kind, random: Random, key: string | undefined): Play {
  if (kind === "songs") return song(random, key);
  if (kind === "long batches") return batch(new Map(LONG.map((id) => [id, 1])), key);
  const plays = 1 + random.below(3);
  const shared = random.chance(0.5) ? [random.pick(SHARED)] : [];
  const many = Array.from({ length: random.below(20) }, () => oneOfMany(random));
  return batch(
    new Map([...random.pick(GROUPS.slice(0, -1)), ...shared, ...many].map((id) => [id, plays])),
    key,
  );
}

function song(random: Random, key: string | undefined): Play {
  const id = random.chance(0.4)
    ? random.pick(SHARED)
    : key !== undefined && random.chance(0.5)
      ? random.pick(KEYED)
      : oneOfMany(random);
  const plays = random.chance(0.7) ? 1 : 1 + random.below(9);
  const body = plays === 1 ? "" : String(plays);
  return { path: `/song/${id}`, body, key, plays: new Map([[id, plays]]) };
}

function batch(plays: Plays, key: string | undefined): Play {
  const body = Array.from(plays, ([id, count]) => `${id}=${count}`).join(",");
  return { path: "/batch", body, key, plays };
}

function oneOfMany(random: Random): string {
  return `many-${random.below(MANY)}`;
}
