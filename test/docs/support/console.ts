/** A command of a console block, and the lines that it has to print. */
export interface Command {
  command: string;
  output: string;
}

/** Returns the commands of a console block: the lines after `$ `. */
export function commandsOf(text: string): Command[] {
  const [before = "", ...commands] = text.split(/^\$ /m);
  if (before !== "") throw new SyntaxError(`A console block begins with "$ ", not with ${before}`);
  return commands.map((part) => {
    const end = part.indexOf("\n");
    return { command: part.slice(0, end), output: normalize(part.slice(end + 1)) };
  });
}

/**
 * Returns a program's output in the one form that all its correct outputs have: the songs of a mapping are in
 * no order, and durations and the time in milliseconds differ with each run.
 */
export function normalize(output: string): string {
  return output
    .trimEnd()
    .split("\n")
    .map((line) => (/^[^=,\s]+=\d+(?:,[^=,\s]+=\d+)*$/.test(line) ? line.split(",").sort().join() : line))
    .join("\n")
    .replace(/\b\d{13}\b/g, "MILLISECONDS")
    .replace(/\b\d+\.\d+ s\b/g, "SECONDS");
}
