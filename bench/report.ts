import { cpus } from "node:os";
import process from "node:process";
import type { SuiteResult } from "./suite.ts";

const README = `${import.meta.dirname}/README.md`;
const RESULTS = `${import.meta.dirname}/results.json`;
const MARKERS = ["<!-- results:begin -->", "<!-- results:end -->"] as const;

/** Writes the results of one run, and what they were had with, as JSON and into the README. */
export async function publish(results: ReadonlyMap<string, SuiteResult>, command: string): Promise<void> {
  const readme = await Bun.file(README).text();
  const about = describeRun(results, command);
  const suites = Object.fromEntries(Array.from(results, ([name, { json }]) => [name, json]));
  const markdown = [toMarkdown(about), ...Array.from(results.values(), (result) => result.markdown)];
  await Bun.write(README, replaceResults(readme, markdown.join("\n\n")));
  await Bun.write(RESULTS, JSON.stringify({ ...about, suites }, round));
  await format([README, RESULTS]);
}

/** When, where and with what a run was made. */
interface AboutRun {
  date: string;
  command: string;
  processor: string;
  cores: number;
  versions: Record<string, string>;
}

function describeRun(results: ReadonlyMap<string, SuiteResult>, command: string): AboutRun {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    processor: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    versions: Object.assign({}, ...Array.from(results.values(), ({ versions }) => versions)),
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
function replaceResults(readme: string, markdown: string): string {
  const [begin, end] = MARKERS;
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
