import process from "node:process";
import { run } from "../children.ts";
import type { Part, Row } from "../part.ts";
import { ratios, summarise } from "../statistics.ts";
import type { Plan } from "../suite.ts";
import type { Crafted } from "./crafted-child.ts";

const IDS = 8192;
const TURNS = 40;
const SMOKE_TURNS = 4;

type Figure = "nanoseconds" | "ratio";

/** How much slower ids are that somebody has chosen so that they collide. */
export async function measureCrafted({ rounds, smoke }: Plan): Promise<Part<Figure>> {
  const turns = smoke ? SMOKE_TURNS : TURNS;
  const seen: Crafted[] = [];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`crafted ids, round ${round + 1}\n`);
    const command = [process.execPath, "bench/store/crafted-child.ts", String(IDS), String(turns)];
    seen.push(JSON.parse(await run(command)) as Crafted);
  }
  const [random, crafted] = [toRow("random", seen), toRow("crafted", seen)];
  return {
    name: "crafted",
    title: `Adding and reading ${IDS.toLocaleString("en")} new songs`,
    labels: ["ids"],
    columns: [
      { figure: "nanoseconds", head: "ns/addition and look-up", places: 0 },
      { figure: "ratio", head: "× random", places: 2 },
    ],
    rows: [random, crafted],
    goals: [{ row: crafted, figure: "ratio", relation: "≤", value: 3, unit: "× the time of random ids" }],
    about: { rounds, turns },
  };
}

function toRow(name: keyof Crafted, seen: readonly Crafted[]): Row<Figure> {
  const nanoseconds = seen.map((crafted) => crafted[name]);
  const base = seen.map(({ random }) => random);
  return {
    labels: [name],
    figures: { nanoseconds: summarise(nanoseconds), ratio: summarise(ratios(nanoseconds, base)) },
  };
}
