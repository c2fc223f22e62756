import process from "node:process";

/** A program that was started here. Its process id is that of its group too. */
export type Child<Out extends "pipe" | "ignore"> = Bun.Subprocess<"ignore", Out, "inherit">;

const running = new Set<Child<"pipe" | "ignore">>();

/** Starts a program at the head of a process group of its own. What it says of errors is shown. */
export function spawn<Out extends "pipe" | "ignore">(
  command: string[],
  options: { stdout: Out; env?: Record<string, string> },
): Child<Out> {
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: options.stdout,
    stderr: "inherit",
    env: { ...process.env, ...options.env },
    cwd: `${import.meta.dirname}/..`,
    detached: true,
  });
  running.add(child);
  return child;
}

/**
 * Runs a program to its end, and gives what it printed.
 *
 * @throws {Error} if it does not end well.
 */
export async function run(command: string[]): Promise<string> {
  const child = spawn(command, { stdout: "pipe" });
  const output = await child.stdout.text();
  const status = await child.exited;
  end(child);
  if (status !== 0) throw new Error(`ended with ${child.signalCode ?? status}: ${command.join(" ")}`);
  return output;
}

/** Whether it still runs. */
export function isAlive(child: Child<"pipe" | "ignore">): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Ends a program at once, and all that it started. */
export function end(child: Child<"pipe" | "ignore">): void {
  running.delete(child);
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}

/** Sees to it that nothing started here outlives this process, whether it ends well, badly or by a signal. */
export function endAllOnExit(): void {
  process.on("exit", () => running.forEach(end));
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGHUP", () => process.exit(129));
}
