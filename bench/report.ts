import { cpus } from "node:os";
import process from "node:process";
import type { SuiteResult } from "./suite.ts";

const README = `${import.meta.dirname}/README.md`;
const RESULTS = `${import.meta.dirname}/results.json`;
/** Writes the results of the suites of one run, and what they were had with, as JSON and into the README. */
export async function publish(results: ReadonlyMap<string, SuiteResult>, command: string): Promise<void> {
  let readme = await Bun.file(README).text();
  const suites = (await Bun.file(RESULTS).json()) as Record<string, unknown>;
  for (const [name, result] of results) {
    const about = describeRun(result, command);
    readme = replaceResults(readme, name, `${toMarkdown(about)}\n\n${result.markdown}`);
    suites[name] = { ...about, ...result.json };
  }
  await Bun.write(README, readme);
  await Bun.write(RESULTS, JSON.stringify(suites, round));
  await format([README, RESULTS]);
}

/** When, where and with what a run was made. */
interface AboutRun {
  date: string;
  command: string;
  processor: string;
  cores: number;
  versions: SuiteResult["versions"];
}

function describeRun({ versions }: SuiteResult, command: string): AboutRun {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    versions,
  };
}

function toMarkdown({ date, command, processor, cores, versions }: AboutRun): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${processor}, ${cores} cores, ${process.platform}; \`${command}\`.`,
    `Versions: ${programs.join(", ")}.`,
  ].join("\n");
}

/** @throws {Error} if there is no place for the results. */
function replaceResults(readme: string, suite: string, markdown: string): string {
  const [begin, end] = [`<!-- ${suite}:begin -->`, `<!-- ${suite}:end -->`];
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`bench/README.md has no ${begin} with ${end} after it`);
  return `${readme.slice(0, from + begin.length)}\n\n${markdown}\n\n${readme.slice(to)}`;
}

/** Four digits that count: more would be noise. */
function round(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

async function format(files: string[]): Promise<void> {
  const command = [process.execPath, "fmt", "--no-script", ...files];
  const { exited } = Bun.spawn(command, {
    cwd: `${import.meta.dirname}/..`,
    stdout: "ignore",
    stderr: "ignore",
  });
  if ((await exited) !== 0) throw new Error(`could not format ${files.join(" ")}`);
}
