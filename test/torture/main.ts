import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { SEED } from "../support/random.ts";
import { type Report, torture } from "./torture.ts";

// `bun run torture --kills 5000` kills the program under load. When a play is lost or doubled, it ends with
// status 1, and keeps the folder.

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: String(SEED) },
    data: { type: "string", default: "" },
  },
});
const folder = values.data === "" ? mkdtempSync(join(tmpdir(), "playcount-torture-")) : values.data;
const kills = wholeNumber(values.kills);
const clients = wholeNumber(values.clients);
const seed = wholeNumber(values.seed);
const began = performance.now();
const report = await torture({ folder, kills, clients, seed, onRound: progress });
progress(report);
if (report.findings.length === 0) {
  if (values.data === "") rmSync(folder, { recursive: true });
  console.log(JSON.stringify(report, undefined, 2));
} else {
  console.error(`\n${report.findings.join("\n")}`);
  console.error(`--seed ${seed} repeats the choices, but not the timing. The folder is ${folder}`);
  process.exit(1);
}

function progress({ kills, acknowledged, unknown, happened }: Report): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const done = `${kills} kills, ${acknowledged} plays, ${unknown} unknown, ${happened.seals} folds, ${seconds} s`;
  process.stderr.write(`\r${done}`);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`expected a whole number above 0, not ${text}`);
  process.exit(2);
}
