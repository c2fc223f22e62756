import process from "node:process";
import { run } from "../harness/children.ts";
import type { ResultTable, Row } from "../harness/result-table.ts";
import { runRounds } from "../harness/rounds.ts";
import { summarise } from "../harness/statistics.ts";
import type { RunOptions } from "../harness/suite.ts";
import type { Crafted } from "./crafted-child.ts";

const IDS = 8192;
const TURNS = 40;
const SMOKE_TURNS = 4;

type Figure = "nanoseconds" | "ratio";

/** Measures how much slower ids are that an attacker has chosen to collide. */
export async function measureCrafted({ rounds, smoke }: RunOptions): Promise<ResultTable<Figure>> {
  const turns = smoke ? SMOKE_TURNS : TURNS;
  const samples = await runRounds([[IDS]], { title: "crafted ids", rounds }, async (ids) => {
    const command = [process.execPath, "bench/store/crafted-child.ts", String(ids), String(turns)];
    return JSON.parse(await run(command)) as Crafted;
  });
  const trials = samples.get(IDS) ?? [];
  const [random, crafted] = [toRow("random", trials), toRow("crafted", trials)];
  return {
    name: "crafted",
    title: `Adding and reading ${IDS.toLocaleString("en")} new songs`,
    labels: ["ids"],
    columns: { nanoseconds: ["ns/addition and look-up", 0], ratio: ["× random", 2] },
    rows: [random, crafted],
    goals: [{ row: crafted, figure: "ratio", relation: "≤", value: 3, unit: "× the time of random ids" }],
    parameters: { rounds, turns },
  };
}

function toRow(name: keyof Crafted, trials: readonly Crafted[]): Row<Figure> {
  return {
    labels: [name],
    figures: {
      nanoseconds: summarise(trials.map((trial) => trial[name])),
      ratio: summarise(trials.map((trial) => trial[name] / trial.random)),
    },
  };
}
