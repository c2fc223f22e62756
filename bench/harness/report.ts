import { cpus } from "node:os";
import process from "node:process";
import type { SuiteResult } from "./suite.ts";

const README = `${import.meta.dirname}/../README.md`;
const RESULTS = `${import.meta.dirname}/../results.json`;

/**
 * Writes the results of the suites of one run into results.json and the README, with date, machine and
 * versions.
 */
export async function publish(results: ReadonlyMap<string, SuiteResult>, command: string): Promise<void> {
  let readme = await Bun.file(README).text();
  const suites = (await Bun.file(RESULTS).json()) as Record<string, unknown>;
  for (const [name, result] of results) {
    const description = describeRun(result, command);
    readme = replaceResults(readme, name, `${toMarkdown(description)}\n\n${result.markdown}`);
    suites[name] = { ...description, ...result.json };
  }
  await Bun.write(README, readme);
  await Bun.write(RESULTS, JSON.stringify(suites, round));
  await format([README, RESULTS]);
}

/** Circumstances of a run. */
interface RunDescription {
  date: string;
  command: string;
  processor: string;
  cores: number;
  versions: SuiteResult["versions"];
}

function describeRun({ versions }: SuiteResult, command: string): RunDescription {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    versions,
  };
}

function toMarkdown({ date, command, processor, cores, versions }: RunDescription): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${processor}, ${cores} cores, ${process.platform}; \`${command}\`.`,
    `Versions: ${programs.join(", ")}.`,
  ].join("\n");
}

/** @throws {Error} if the README lacks the markers of the suite. */
function replaceResults(readme: string, suite: string, markdown: string): string {
  const [begin, end] = [`<!-- ${suite}:begin -->`, `<!-- ${suite}:end -->`];
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`bench/README.md has no ${begin} with ${end} after it`);
  return `${readme.slice(0, from + begin.length)}\n\n${markdown}\n\n${readme.slice(to)}`;
}

/** Rounds to four significant digits: more would be noise. */
function round(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

async function format(files: string[]): Promise<void> {
  const command = [process.execPath, "fmt", "--no-script", ...files];
  const { exited } = Bun.spawn(command, {
    cwd: `${import.meta.dirname}/../..`,
    stdout: "ignore",
    stderr: "ignore",
  });
  if ((await exited) !== 0) throw new Error(`could not format ${files.join(" ")}`);
}
