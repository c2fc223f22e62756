import process from "node:process";
import { parseArgs } from "node:util";
import { durable } from "./durable/suite.ts";
import { fold } from "./fold/suite.ts";
import { endAllOnExit } from "./harness/children.ts";
import { publish } from "./harness/report.ts";
import type { Suite, SuiteResult } from "./harness/suite.ts";
import { http } from "./http/suite.ts";
import { object } from "./object/suite.ts";
import { pages } from "./pages/suite.ts";
import { redis } from "./redis/suite.ts";
import { songs } from "./songs/suite.ts";
import { store } from "./store/suite.ts";

const SUITES: readonly Suite[] = [http, store, songs, durable, object, redis, fold, pages];
const MIN_ROUNDS = 5;

const USAGE = `Usage: bun bench/main.ts [options] [suite…]

Runs suites of benchmarks, prints their tables, and writes them into bench/README.md and bench/results.json.

  suites        ${SUITES.map(({ name }) => name).join(", ")} (default: all)
  --rounds N    rounds of each measurement, ${MIN_ROUNDS} or more (default: 15)
  --smoke       run one short round, write nothing, and check that every figure has a value
  --help        show this help`;

endAllOnExit();
try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "15" },
      smoke: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const { smoke } = values;
  const suites = chooseSuites(positionals);
  const rounds = smoke ? 1 : readRounds(values.rounds);

  const results = new Map<string, SuiteResult>();
  for (const suite of suites) {
    const result = await suite.run({ rounds, smoke });
    console.log(`${result.markdown}\n`);
    if (result.missing.length > 0) throw new Error(`no figure for ${result.missing.join("; ")}`);
    results.set(suite.name, result);
  }
  if (smoke) return;
  await publish(results, ["bun bench/main.ts", ...args].join(" "));
}

function chooseSuites(names: string[]): readonly Suite[] {
  const unknown = names.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) throw new RangeError(`unknown suite ${JSON.stringify(unknown)}; see --help`);
  return names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name));
}

function readRounds(value: string): number {
  const rounds = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (rounds >= MIN_ROUNDS) return rounds;
  throw new RangeError(
    `--rounds must be a whole number of at least ${MIN_ROUNDS}, not ${JSON.stringify(value)}`,
  );
}
